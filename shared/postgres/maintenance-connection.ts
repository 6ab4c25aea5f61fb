/** A session on a server as such, not on one of the user's databases. */
import type pg from "pg";
import type { ServerLogin } from "../model/server-request.js";
import { ServiceError } from "../model/service-error.js";
import { type ConnectOptions, withConnection } from "./connect.js";

/** Somebody waits for the answer. */
const limitSeconds = 30;

/**
 * Runs `work` on database postgres, or on template1 where there is no postgres.
 * @param task for application_name
 * @throws ServiceError as connect() does
 */
export async function withMaintenanceConnection<T>(
  login: ServerLogin,
  task: string,
  work: (client: pg.Client, options: ConnectOptions) => Promise<T>,
): Promise<T> {
  const within = async (database: string): Promise<T> => {
    const options = { ...login, applicationName: `migration service ${task}`, database, limitSeconds };
    return await withConnection(options, (client) => work(client, options));
  };
  try {
    return await within("postgres");
  } catch (error) {
    if (!(error instanceof ServiceError && error.code === "DatabaseNotFound")) throw error;
    return await within("template1");
  }
}
