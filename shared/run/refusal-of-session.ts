/** Whether anybody can get into a database, found out by trying. */
import { DatabaseError } from "pg";
import { ServiceError } from "../model/service-error.js";
import { type ConnectOptions, connect, endSession } from "../postgres/connect.js";
import { isTransient } from "../postgres/transient.js";

/** Why the server refuses a session; undefined when it opens. Throws what may go away by itself. */
export async function refusalOfSession(options: ConnectOptions): Promise<DatabaseError | undefined> {
  try {
    await endSession(await connect(options));
    return undefined;
  } catch (error) {
    const cause = error instanceof ServiceError ? error.cause : error;
    if (!(cause instanceof DatabaseError) || isTransient(cause)) throw error;
    // Whatever else goes wrong in a session that has been opened is no refusal of it.
    return cause.severity === "FATAL" ? cause : undefined;
  }
}
