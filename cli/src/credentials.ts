/**
 * How a request proves who sends it: a function key, or a token of Microsoft Entra where the app asks people to sign in.
 * Neither is ever an argument: every user of the machine sees a process's arguments.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { CommandError, usageError } from "./command-error.js";
import { exitCodes } from "./exit-codes.js";
import { readSecretFile } from "./passwords.js";

const run = promisify(execFile);

export interface CredentialOptions {
  readonly keyFile?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly tokenResource?: string | undefined;
}

// A token of Entra lives for an hour or more; a watch may take days.
const tokenLifeMilliseconds = 10 * 60_000;

/** The headers of authentication, made anew when a token has become old. */
export function credentials(
  options: CredentialOptions,
  environment: NodeJS.ProcessEnv = process.env,
): () => Promise<Record<string, string>> {
  let token: { text: string; at: number } | undefined;
  return async () => {
    const headers: Record<string, string> = {};
    const key = options.keyFile === undefined ? environment.PGMIGRATE_KEY : await readSecretFile(options.keyFile);
    if (key !== undefined && key !== "") headers["x-functions-key"] = key;
    if (token === undefined || Date.now() - token.at > tokenLifeMilliseconds) {
      const text = await accessToken(options, environment);
      token = text === undefined ? undefined : { text, at: Date.now() };
    }
    if (token !== undefined) headers.authorization = `Bearer ${token.text}`;
    return headers;
  };
}

async function accessToken(
  { tokenFile, tokenResource }: CredentialOptions,
  environment: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  if (tokenFile !== undefined) return tokenOf(await readSecretFile(tokenFile));
  if (environment.PGMIGRATE_TOKEN) return tokenOf(environment.PGMIGRATE_TOKEN);
  if (tokenResource === undefined) return undefined;
  try {
    const { stdout } = await run("az", ["account", "get-access-token", "--resource", tokenResource, "-o", "json"]);
    return tokenOf(stdout);
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
    const reason = said === "" ? (error instanceof Error ? error.message : String(error)) : said;
    throw new CommandError(
      exitCodes.unauthorized,
      `az account get-access-token --resource ${tokenResource} gave no token: ${reason}. ` +
        "Run az login, or give a token in PGMIGRATE_TOKEN or with --token-file.",
      { cause: error },
    );
  }
}

/** The token itself, or the JSON that `az account get-access-token` prints. */
function tokenOf(text: string): string {
  const trimmed = text.trim();
  if (!trimmed.startsWith("{")) return trimmed;
  try {
    const parsed: unknown = JSON.parse(trimmed);
    if (typeof parsed === "object" && parsed !== null && "accessToken" in parsed) return String(parsed.accessToken);
  } catch {
    // Reported below, without the text: it may hold the token.
  }
  throw usageError("The token is JSON without accessToken: give what az account get-access-token prints.");
}
