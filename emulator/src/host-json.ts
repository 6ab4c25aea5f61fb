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
        })
        .prefault({}),
    })
    .prefault({}),
});

export type HostJson = z.infer<typeof hostJson>;

/**
 * Reads APP/host.json.
 * @throws Error that names the file and every setting that is wrong.
 */
export function readHostJson(appDirectory: string): HostJson {
  const file = path.join(appDirectory, "host.json");
  if (!existsSync(file)) {
    throw new Error(`${file} does not exist: --app must name the folder of a Functions app.`);
  }
  return parseHostJson(JSON.parse(readFileSync(file, "utf8")), file);
}

export function parseHostJson(value: unknown, file = "host.json"): HostJson {
  const parsed = hostJson.safeParse(value);
  if (!parsed.success) {
    throw new Error(`${file} is not valid:\n${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}
