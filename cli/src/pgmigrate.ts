/** The command `pgmigrate`. */
import { readFile } from "node:fs/promises";
import { CommanderError } from "@commander-js/extra-typings";
import { CommandError } from "./command-error.js";
import { exitCodes } from "./exit-codes.js";
import { program } from "./program.js";

const root = program(await version());
for (const command of [root, ...root.commands]) command.exitOverride();
// `pgmigrate tables | head` closes the pipe: that is how the reader says that it has enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});
try {
  await root.parseAsync();
} catch (error) {
  process.exitCode = told(error);
}

/** Says what went wrong, and answers what the shell is told. */
function told(error: unknown): number {
  // Commander has printed its message already; help and version end this way too.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.succeeded : exitCodes.usage;
  // A prompt that was left by Ctrl-C.
  if (error instanceof Error && error.name === "ExitPromptError") return exitCodes.interrupted;
  if (error instanceof CommandError) {
    process.stderr.write(`pgmigrate: ${error.message}\n`);
    return error.exitCode;
  }
  process.stderr.write(`pgmigrate: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return exitCodes.refused;
}

async function version(): Promise<string> {
  const file = new URL("../package.json", import.meta.url);
  const parsed: unknown = JSON.parse(await readFile(file, "utf8"));
  return typeof parsed === "object" && parsed !== null && "version" in parsed ? String(parsed.version) : "unknown";
}
