/** An error that a user can meet: a code, the object it is about, what happened in the server's own words, and what to do about it. */
export class ServiceError extends Error {
  override readonly name = "ServiceError";
  /** ARM-style PascalCase code, e.g. "SourceUnreachable". */
  readonly code: string;
  /** What the error is about: a field, a server, a database, a table; undefined for the migration as a whole. */
  readonly target: string | undefined;

  constructor(code: string, message: string, options: { target?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.target = options.target;
  }
}
