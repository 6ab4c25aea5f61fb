import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { timeSpanToMilliseconds } from "./durations.js";

/** host.json as far as this host honours it. Defaults are the Functions host's (learn.microsoft.com, host.json reference). */

const duration = z.string().transform((text, context) => {
  if (text === "-1") {
    return Number.POSITIVE_INFINITY;
  }
  try {
    return timeSpanToMilliseconds(text);
  } catch (error) {
    context.addIssue({ code: "custom", message: error instanceof Error ? error.message : String(error) });
    return z.NEVER;
  }
});

const LEVELS = ["trace", "debug", "information", "warning", "error", "critical", "none"] as const;
export type LogThreshold = (typeof LEVELS)[number];

const level = z
  .string()
  .transform((text) => text.toLowerCase())
  .pipe(z.enum(LEVELS));

const count = z.number().int().positive();

const hostJson = z.object({
  /** Milliseconds; infinite for "-1". */
  functionTimeout: duration.default(timeSpanToMilliseconds("00:05:00")),
  logging: z.object({ logLevel: z.record(z.string(), level).default({}) }).prefault({}),
  extensions: z
    .object({
      http: z.object({ routePrefix: z.string().default("api") }).prefault({}),
      queues: z
        .object({
          batchSize: count.max(32).default(16),
          maxDequeueCount: count.default(5),
          visibilityTimeout: duration.default(0),
          maxPollingInterval: duration.optional(),
          messageEncoding: z.enum(["base64", "none"]).default("base64"),
        })
        .prefault({}),
      durableTask: z
        .object({
          hubName: z
            .string()
            .regex(/^[A-Za-z][A-Za-z0-9]{2,44}$/, "must be 3 to 45 letters and digits, starting with a letter")
            .default("TestHubName"),
          maxConcurrentActivityFunctions: count.default(10),
          maxConcurrentOrchestratorFunctions: count.default(10),
          maxOrchestrationActions: count.default(100_000),
          /** What orchestrations are started with, and read as context.df.version. */
          defaultVersion: z.string().default(""),
          /**
           * A timer longer than the first is made of legs as long as the second. Fixed on the real host (Azure Storage's are
           * these defaults; AzureStorageDurabilityProvider); settings here, so that legs can be tested in seconds.
           */
          maximumShortTimerDuration: duration.default(timeSpanToMilliseconds("6.00:00:00")),
          longRunningTimerIntervalDuration: duration.default(timeSpanToMilliseconds("3.00:00:00")),
        })
        .prefault({}),
    })
    .prefault({}),
});

export type HostJson = z.infer<typeof hostJson> & {
  /** As it was read, overrides included, with what this host does not know. */
  source: { extensions?: { durableTask?: object } };
};

/**
 * Reads APP/host.json. A setting `AzureFunctionsJobHost__extensions__queues__batchSize` overrides what the file says there, as
 * on the Functions host.
 * @throws Error that names the file and every setting that is wrong.
 */
export function readHostJson(appDirectory: string, settings: NodeJS.ProcessEnv): HostJson {
  const file = path.join(appDirectory, "host.json");
  if (!existsSync(file)) {
    throw new Error(`${file} does not exist: --app must name the folder of a Functions app.`);
  }
  return parseHostJson(withOverrides(JSON.parse(readFileSync(file, "utf8")), settings), file);
}

export function parseHostJson(value: unknown, file = "host.json"): HostJson {
  const parsed = hostJson.safeParse(value);
  if (!parsed.success) {
    throw new Error(`${file} is not valid:\n${z.prettifyError(parsed.error)}`);
  }
  return { ...parsed.data, source: value as HostJson["source"] };
}

const OVERRIDE = /^AzureFunctionsJobHost__(.+)$/i;

/** @returns a copy with what the settings override. Names are compared without case; values are JSON, or else text. */
export function withOverrides(value: unknown, settings: NodeJS.ProcessEnv): unknown {
  const result: unknown = structuredClone(value);
  for (const [name, text] of Object.entries(settings)) {
    const path = OVERRIDE.exec(name)?.[1]?.split("__");
    if (path !== undefined && text !== undefined && isObject(result)) {
      override(result, path, text);
    }
  }
  return result;
}

function override(target: Record<string, unknown>, [name = "", ...rest]: string[], text: string): void {
  const key = Object.keys(target).find((known) => known.toLowerCase() === name.toLowerCase()) ?? name;
  if (rest.length === 0) {
    target[key] = jsonOrText(text);
    return;
  }
  const inner = target[key];
  const next = isObject(inner) ? inner : {};
  target[key] = next;
  override(next, rest, text);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
