import { type ExitCode, exitCodes } from "./exit-codes.js";

/** An error that the user of the command line meets: a message that says what to do, and what the shell is told. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "CommandError";
    this.exitCode = exitCode;
  }
}

export function usageError(message: string, options?: { cause?: unknown }): CommandError {
  return new CommandError(exitCodes.usage, message, options);
}
