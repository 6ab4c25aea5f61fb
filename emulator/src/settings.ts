import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";

const SAMPLE = "local.settings.sample.json";
const GENERATED = "<generated>";

const settingsFile = z.object({ Values: z.record(z.string(), z.string()).default({}) });

export interface Settings {
  /** Settings for the worker processes: the file's values, overridden by the process environment. */
  environment: NodeJS.ProcessEnv;
  /** What to tell the user, when the file has just been made. */
  note: string | undefined;
}

/**
 * Reads the settings file, making it from the app's local.settings.sample.json first when it does not exist; every sample
 * value `<generated>` becomes 32 random bytes in base64.
 * @throws Error when the file is not valid JSON of the standard shape.
 */
export function readSettings(file: string, appDirectory: string): Settings {
  let note: string | undefined;
  const sample = path.join(appDirectory, SAMPLE);
  if (!existsSync(file) && existsSync(sample)) {
    const generated = writeFromSample(file, sample);
    note = `Wrote ${file} from ${SAMPLE}${generated.length > 0 ? ` with a generated ${generated.join(", ")}. In production use a Key Vault reference instead` : ""}.`;
  }
  const values = existsSync(file) ? parse(file).Values : {};
  return { environment: { ...values, ...process.env }, note };
}

function parse(file: string): z.infer<typeof settingsFile> {
  try {
    return settingsFile.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    // The file holds secrets: only say what is wrong with its shape, never what is in it.
    const problem = error instanceof z.ZodError ? z.prettifyError(error) : "it is not JSON";
    throw new Error(`${file} is not a settings file: ${problem}`);
  }
}

function writeFromSample(file: string, sample: string): string[] {
  const settings = z
    .looseObject({ Values: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(sample, "utf8")));
  const generated: string[] = [];
  for (const [name, value] of Object.entries(settings.Values)) {
    if (value === GENERATED) {
      settings.Values[name] = randomBytes(32).toString("base64");
      generated.push(name);
    }
  }
  writeFileSync(file, `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600 });
  return generated;
}
