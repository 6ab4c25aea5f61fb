/** The service's HTTP API, as the commands use it. */
import { setTimeout as delay } from "node:timers/promises";
import { CommandError } from "./command-error.js";
import { exitCodes } from "./exit-codes.js";

/** A migration as the service answers it; only what the commands look at is typed. */
export interface Migration {
  readonly name: string;
  readonly properties: MigrationProperties;
  readonly systemData?: { readonly createdAt?: string; readonly lastModifiedAt?: string };
}

export interface MigrationProperties {
  readonly currentStatus: {
    readonly state: string;
    readonly error?: string | null;
    readonly currentSubStateDetails?: {
      readonly currentSubState?: string;
      readonly dbDetails?: Readonly<Record<string, DatabaseDetails>>;
      readonly validationDetails?: ValidationDetails;
    };
  };
  readonly migrationMode?: string;
  readonly migrationOption?: string;
  readonly dbsToMigrate?: readonly string[];
  readonly sourceDbServerResourceId?: string;
  readonly sourceDbServerFullyQualifiedDomainName?: string;
  readonly targetDbServerFullyQualifiedDomainName?: string;
  readonly sourceDbServerMetadata?: { readonly version?: string };
  readonly targetDbServerMetadata?: { readonly version?: string };
}

/** One database in currentStatus. */
export interface DatabaseDetails {
  readonly databaseName?: string;
  readonly migrationState?: string;
  readonly startedOn?: string;
  readonly endedOn?: string;
  /** Seconds. */
  readonly latency?: number;
  readonly incomingChanges?: number;
  readonly appliedChanges?: number;
  readonly message?: string;
}

export interface ValidationDetails {
  readonly status?: string;
  readonly serverLevelValidationDetails?: readonly ValidationSummary[];
  readonly dbLevelValidationDetails?: readonly {
    readonly databaseName?: string;
    readonly summary?: readonly ValidationSummary[];
  }[];
}

export interface ValidationSummary {
  readonly type?: string;
  readonly state?: string;
  readonly messages?: readonly { readonly state?: string; readonly message?: string }[];
}

/** One database of GET …/databases. */
export interface DatabaseProgress {
  readonly database: string;
  readonly state?: string;
  readonly currentStep?: string;
  readonly message?: string;
  readonly warnings?: readonly string[];
  readonly tablesQueued: number;
  readonly tablesLoading: number;
  readonly tablesCompleted: number;
  readonly tablesErrored: number;
  /** On the source's disk. */
  readonly bytesTotal: number;
  /** As they cross the network. */
  readonly bytesCopied: number;
  readonly rowsCopied: number;
  readonly startedOn?: string;
  readonly endedOn?: string;
}

/** One table of GET …/tables. */
export interface TableProgress {
  readonly database: string;
  readonly schemaName: string;
  readonly tableName: string;
  readonly state: string;
  readonly rows: number;
  readonly bytes: number;
  readonly bytesEstimated: number;
  readonly startedOn?: string;
  readonly endedOn?: string;
  readonly error?: string;
  readonly parts: readonly unknown[];
}

/** One statement of GET …/statements. */
export interface SchemaStatement {
  readonly order: number;
  /** Undefined for what belongs to the server: roles. */
  readonly database?: string;
  readonly object: string;
  readonly kind: string;
  readonly fate: string;
  /** SQLSTATE. */
  readonly code?: string;
  readonly message?: string;
  readonly statement: string;
  readonly remedy?: string;
}

interface StatementFilter {
  readonly database?: string | undefined;
  readonly fate?: string | undefined;
}

export interface ServerNames {
  readonly subscription: string;
  readonly resourceGroup: string;
  readonly server: string;
}

interface ServiceErrorBody {
  readonly error?: {
    readonly code?: string;
    readonly message?: string;
    readonly details?: readonly { readonly message?: string }[];
  };
}

const apiVersion = "2025-08-01";
// testConnection waits for two servers that may never answer.
const requestLimitMilliseconds = 120_000;
const readAttempts = 3;

/** The migrations of one target server. */
export class MigrationService {
  readonly #url: string;
  readonly #server: string;
  readonly #headers: () => Promise<Record<string, string>>;

  constructor(url: string, names: ServerNames, headers: () => Promise<Record<string, string>>) {
    this.#url = url.replace(/\/+$/, "");
    const { subscription, resourceGroup, server } = names;
    const [one, two, three] = [subscription, resourceGroup, server].map(encodeURIComponent);
    this.#server = `/subscriptions/${one}/resourceGroups/${two}/providers/Microsoft.DBforPostgreSQL/flexibleServers/${three}`;
    this.#headers = headers;
  }

  async create(name: string, body: unknown): Promise<Migration> {
    return (await this.#call("PUT", this.#migration(name), body)) as Migration;
  }

  async show(name: string): Promise<Migration> {
    return (await this.#read(this.#migration(name))) as Migration;
  }

  async list(filter: string): Promise<Migration[]> {
    return (await this.#pages(`/migrations?migrationListFilter=${encodeURIComponent(filter)}`)) as Migration[];
  }

  async update(name: string, body: unknown): Promise<Migration> {
    return (await this.#call("PATCH", this.#migration(name), body)) as Migration;
  }

  /** DELETE, which cancels. Undefined when there is no such migration: nothing is left to be cancelled. */
  async delete(name: string): Promise<Migration | undefined> {
    return (await this.#call("DELETE", this.#migration(name))) as Migration | undefined;
  }

  async checkName(name: string): Promise<unknown> {
    const body = { name, type: "Microsoft.DBforPostgreSQL/flexibleServers/migrations" };
    return await this.#call("POST", "/checkMigrationNameAvailability", body);
  }

  async databases(name: string): Promise<DatabaseProgress[]> {
    return (await this.#pages(`${this.#migration(name)}/databases`)) as DatabaseProgress[];
  }

  async tables(name: string, filter: { database?: string | undefined; state?: string | undefined } = {}) {
    const query = new URLSearchParams();
    if (filter.database !== undefined) query.set("database", filter.database);
    if (filter.state !== undefined) query.set("state", filter.state);
    return (await this.#pages(`${this.#migration(name)}/tables?${query}`)) as TableProgress[];
  }

  async statements(name: string, filter: StatementFilter = {}): Promise<SchemaStatement[]> {
    return (await this.#pages(`${this.#migration(name)}/statements?${statementQuery(filter)}`)) as SchemaStatement[];
  }

  /** What is left to apply, as a script for psql. */
  async statementsScript(name: string, filter: StatementFilter = {}): Promise<string> {
    const query = statementQuery(filter);
    query.set("format", "sql");
    return await this.#text("GET", `${this.#migration(name)}/statements?${query}`);
  }

  async retryStatements(name: string, body: unknown): Promise<Migration> {
    return (await this.#call("POST", `${this.#migration(name)}/statements/retry`, body)) as Migration;
  }

  async testConnection(body: unknown): Promise<Readonly<Record<string, unknown>>> {
    return (await this.#call("POST", "/testConnection", body)) as Readonly<Record<string, unknown>>;
  }

  async listSourceDatabases(body: unknown): Promise<unknown[]> {
    return rowsOf(await this.#call("POST", "/listSourceDatabases", body));
  }

  #migration(name: string): string {
    return `/migrations/${encodeURIComponent(name)}`;
  }

  /** A list with all its pages. */
  async #pages(path: string): Promise<unknown[]> {
    const rows: unknown[] = [];
    let next: string | undefined = path;
    while (next !== undefined) {
      const page = await this.#read(next);
      rows.push(...rowsOf(page));
      next = this.#nextOf(page);
    }
    return rows;
  }

  /** The next page's path below the server's: the key goes to the service that was named, wherever the link points. */
  #nextOf(page: unknown): string | undefined {
    const link = typeof page === "object" && page !== null && "nextLink" in page ? page.nextLink : undefined;
    if (typeof link !== "string") return undefined;
    const { pathname, search } = new URL(link, this.#url);
    const at = pathname.toLowerCase().indexOf("/migrations");
    return at === -1 ? undefined : pathname.slice(at) + search;
  }

  /** A read may be repeated: a connection that the other end has just closed is no answer. */
  async #read(path: string): Promise<unknown> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#call("GET", path);
      } catch (error) {
        const again = error instanceof CommandError && error.exitCode === exitCodes.unreachable;
        if (!again || attempt === readAttempts) throw error;
        await delay(attempt * 500);
      }
    }
  }

  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    const text = await this.#text(method, path, body);
    const parsed = jsonOf(text);
    if (text !== "" && parsed === undefined) {
      throw new CommandError(
        exitCodes.unreachable,
        `${new URL(this.#url).origin} answers, but not with JSON: check that --url or PGMIGRATE_URL is the migration service.`,
      );
    }
    return parsed;
  }

  /** The body of an answer. Throws CommandError when it is a refusal, or there is none. */
  async #text(method: string, path: string, body?: unknown): Promise<string> {
    const url = new URL(this.#url + this.#server + path);
    url.searchParams.set("api-version", apiVersion);
    const headers = await this.#headers();
    let response: Response;
    let text: string;
    try {
      response = await fetch(url, {
        method,
        headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(requestLimitMilliseconds),
        // A redirect leads to a sign-in page for people, and would carry the key elsewhere.
        redirect: "manual",
      });
      text = await response.text();
    } catch (error) {
      throw new CommandError(
        exitCodes.unreachable,
        `${url.origin} cannot be reached (${reasonOf(error)}): check --url or PGMIGRATE_URL, and that the service runs.`,
        { cause: error },
      );
    }
    if (response.ok) return text;
    throw refusal(response, jsonOf(text) as ServiceErrorBody | undefined, url);
  }
}

function statementQuery({ database, fate }: StatementFilter): URLSearchParams {
  const query = new URLSearchParams();
  if (database !== undefined) query.set("database", database);
  if (fate !== undefined) query.set("fate", fate);
  return query;
}

function refusal(response: Response, body: ServiceErrorBody | undefined, url: URL): CommandError {
  const { status } = response;
  if (status === 401 || status === 403 || (status >= 300 && status < 400)) {
    return new CommandError(
      exitCodes.unauthorized,
      `${url.origin} asks for another key or token (HTTP ${status}): set PGMIGRATE_KEY to a function key or give ` +
        "--key-file; where the app asks people to sign in, give --token-resource, PGMIGRATE_TOKEN or --token-file.",
    );
  }
  const { code, message, details = [] } = body?.error ?? {};
  const further = details.map((one) => one.message).filter((one) => one !== undefined && one !== message);
  const lines = [
    `${code ?? `HTTP ${status}`}: ${message ?? "the service gave no reason"}`,
    ...further.map((one) => `  ${one}`),
  ];
  return new CommandError(exitCodeOf(status), lines.join("\n"));
}

function exitCodeOf(status: number) {
  if (status === 404) return exitCodes.notFound;
  // A gateway's answer says nothing about the request: the service behind it is away.
  return status === 502 || status === 503 || status === 504 ? exitCodes.unreachable : exitCodes.refused;
}

function rowsOf(body: unknown): unknown[] {
  if (typeof body === "object" && body !== null && "value" in body && Array.isArray(body.value)) return body.value;
  return [];
}

function jsonOf(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** fetch says "fetch failed" and puts the reason into the cause; several addresses tried make an AggregateError. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (error instanceof Error && error.cause !== undefined) return reasonOf(error.cause);
  return error instanceof Error ? error.message : String(error);
}
