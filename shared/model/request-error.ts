/** A request that is refused: ARM's error shape, with the HTTP status to answer. */

/** One thing that is wrong with a request. */
export interface RequestProblem {
  /** ARM-style PascalCase code, e.g. "InvalidParameterValue". */
  readonly code: string;
  /** The JSON path of the field, e.g. `properties.dbsToMigrate[1]`. */
  readonly target: string;
  /** Names the field, what is wrong with it and the remedy. */
  readonly message: string;
}

export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly status: number;
  readonly code: string;
  readonly target: string | undefined;
  readonly details: readonly RequestProblem[];

  constructor(
    status: number,
    code: string,
    message: string,
    options: { target?: string | undefined; details?: readonly RequestProblem[] } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.target = options.target;
    this.details = options.details ?? [];
  }
}

/** Whether an error is a refusal that another attempt would meet again. */
export function isRefusal(error: unknown): error is RequestError {
  return error instanceof RequestError && error.code !== migrationChanging;
}

/** The code of a conflict that goes away by itself. */
export const migrationChanging = "MigrationChanging";

/** Details in one answer at most: whoever sends more wrong fields than these has something else to mend first. */
const maximumDetails = 100;

/** Throws every problem of a request at once, if there is any. */
export function refuseIfAny(problems: readonly RequestProblem[]): void {
  const [first] = problems;
  if (first === undefined) return;
  const message =
    problems.length === 1 ? first.message : `${problems.length} things are wrong with the request: ${first.message} …`;
  throw new RequestError(400, "InvalidRequest", message, {
    target: first.target,
    details: problems.slice(0, maximumDetails),
  });
}
