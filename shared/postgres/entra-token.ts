/** Tokens of Microsoft Entra that a server of Azure takes in place of a password. */
import { ServiceError } from "../model/service-error.js";

/** Azure Database for PostgreSQL, whatever the server. */
const scope = "https://ossrdbms-aad.database.windows.net/.default";

interface TokenSource {
  getToken(scope: string): Promise<{ readonly token: string } | null>;
}

let credential: Promise<TokenSource> | undefined;

/**
 * A token of the app's identity, or of whatever credential the environment offers. It lives an hour, a migration for days: every
 * session asks for its own, the library hands out one that is still good, and none is kept anywhere else.
 * @throws ServiceError EntraTokenUnavailable
 */
export async function entraToken(): Promise<string> {
  try {
    credential ??= makeCredential();
    const answer = await (await credential).getToken(scope);
    if (answer === null) throw new Error("the credential has no token");
    return answer.token;
  } catch (error) {
    credential = undefined;
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new ServiceError(
      "EntraTokenUnavailable",
      `No token of Microsoft Entra could be had for PostgreSQL (${reason}): give the app a managed identity (AZURE_CLIENT_ID ` +
        "names a user-assigned one), or sign in where it runs (az login).",
      { cause: error },
    );
  }
}

async function makeCredential(): Promise<TokenSource> {
  // Loaded only where it is used: it is by far the largest dependency at start-up.
  const { DefaultAzureCredential } = await import("@azure/identity");
  return new DefaultAzureCredential();
}
