import path from "node:path";
import { parseArgs } from "node:util";

export const USAGE = `usage: start.js [--port N] [--instances N] [--storage DIR] [--settings FILE] [--app DIR] [--auth] [--engine PROGRAM]
                [--verbose]
  --port N         where to serve, default 7071; 0 chooses a free port
  --instances N    how many worker processes, default 2
  --storage DIR    where Azurite keeps its data, default .storage
  --settings FILE  default local.settings.json, made from local.settings.sample.json when absent
  --app DIR        the folder of the Functions app, default the current one
  --auth           ask for function keys, as a deployed app does
  --engine PROGRAM another Durable engine than the built-in one, e.g. conformance/engine's durable-engine.dll
  --verbose        log more than host.json asks for`;

export interface StartOptions {
  port: number;
  instances: number;
  storageDirectory: string;
  settingsFile: string;
  appDirectory: string;
  auth: boolean;
  /** The program of an external Durable engine. */
  engine: string | undefined;
  verbose: boolean;
}

/** @throws Error that says which argument is wrong. */
export function parseStartOptions(args: string[]): StartOptions {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: "string", default: "7071" },
      instances: { type: "string", default: "2" },
      storage: { type: "string", default: ".storage" },
      settings: { type: "string", default: "local.settings.json" },
      app: { type: "string", default: "." },
      auth: { type: "boolean", default: false },
      engine: { type: "string" },
      verbose: { type: "boolean", default: false },
    },
  });
  const appDirectory = path.resolve(values.app);
  return {
    port: integer("--port", values.port, 0, 65_535),
    instances: integer("--instances", values.instances, 1, 64),
    storageDirectory: path.resolve(appDirectory, values.storage),
    settingsFile: path.resolve(appDirectory, values.settings),
    appDirectory,
    auth: values.auth,
    engine: values.engine === undefined ? undefined : path.resolve(values.engine),
    verbose: values.verbose,
  };
}

function integer(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new Error(`${name} must be a whole number from ${least} to ${most}, not "${text}".`);
  }
  return value;
}
