/** What the shell is told. The numbers are a contract: docs/cli.md lists them, scripts branch on them. */
export const exitCodes = {
  succeeded: 0,
  /** The service refused the request, or failed to answer it. */
  refused: 1,
  /** A word, an option or a file of the command line is wrong. Nothing was sent. */
  usage: 2,
  /** As Azure's CLI has it. */
  notFound: 3,
  unreachable: 4,
  /** No key or token, or not the right one. */
  unauthorized: 5,
  migrationFailed: 10,
  validationFailed: 11,
  canceled: 12,
  /** With --until cutover: it waits for something else first. */
  waiting: 13,
  /** --timeout has passed; the migration goes on. */
  timedOut: 14,
  /** test-connection: a server was not reached, or let nobody in. */
  serverUnreachable: 15,
  /** Ctrl-C, as shells have it; the migration goes on. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What docs/cli.md says of each code. */
export const exitCodeMeanings: readonly (readonly [ExitCode, string])[] = [
  [exitCodes.succeeded, "done; for `watch`, `validate` and `--watch`: the migration has Succeeded"],
  [exitCodes.refused, "the service refused the request, or failed to answer it"],
  [exitCodes.usage, "a word, an option or a file of the command line is wrong; nothing was sent"],
  [exitCodes.notFound, "there is no such migration"],
  [exitCodes.unreachable, "the service could not be reached"],
  [exitCodes.unauthorized, "the service asks for another key or token"],
  [exitCodes.migrationFailed, "the migration has Failed"],
  [exitCodes.validationFailed, "the validation has failed; nothing was moved"],
  [exitCodes.canceled, "the migration was Canceled"],
  [exitCodes.waiting, "`--until cutover`: the migration waits for something else"],
  [exitCodes.timedOut, "`--timeout` has passed; the migration goes on"],
  [exitCodes.serverUnreachable, "`test-connection`: a server was not reached, or let nobody in"],
  [exitCodes.interrupted, "interrupted by Ctrl-C; the migration goes on"],
];
