/** Calls of the API: the function key where one is asked for, refusals as ApiError. */
import { apiRoot } from "../navigation/location.js";
import { accessKey, refuseAccessKey } from "./access-key.js";
import type { MigrationId, ServerId } from "./resources.js";

const apiVersion = "2025-08-01";

/** A refusal in the API's own words, or what kept the request from being answered. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly details: readonly { readonly code: string; readonly target?: string; readonly message: string }[];

  constructor(status: number, code: string, message: string, details: ApiError["details"] = []) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
  }
}

export function serverPath({ subscription, resourceGroup, server }: ServerId): string {
  const [sub, group, name] = [subscription, resourceGroup, server].map(encodeURIComponent);
  return `subscriptions/${sub}/resourceGroups/${group}/providers/Microsoft.DBforPostgreSQL/flexibleServers/${name}`;
}

export function migrationPath(id: MigrationId): string {
  return `${serverPath(id)}/migrations/${encodeURIComponent(id.name)}`;
}

/** The absolute address of an API path, with its version. */
export function apiUrl(path: string, query: Readonly<Record<string, string | undefined>> = {}): URL {
  const url = new URL(path, apiRoot);
  url.searchParams.set("api-version", apiVersion);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
  return url;
}

export interface Call {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}

/** Answers the JSON of a successful call. Throws ApiError. */
export async function call<Body>(path: string | URL, options: Call = {}): Promise<Body> {
  return parse(await answerOf(path, options)) as Body;
}

/** The text of a successful GET: a script, say. Throws ApiError. */
export async function callText(path: string, query: Readonly<Record<string, string>>): Promise<string> {
  return await answerOf(path, { query });
}

async function answerOf(path: string | URL, { method = "GET", body, query, signal }: Call): Promise<string> {
  const url = path instanceof URL ? path : apiUrl(path, query);
  const key = accessKey();
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      signal,
      headers: {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(key === undefined ? {} : { "x-functions-key": key }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      cache: "no-store",
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(
      0,
      "ServiceUnreachable",
      "The service does not answer. Check that it runs and that this machine reaches it.",
    );
  }
  if (response.status === 401) {
    refuseAccessKey(key);
    throw new ApiError(401, "KeyRequired", "The service asks for its function key.");
  }
  const text = await response.text();
  if (response.ok) return text;
  const refusal = (
    parse(text) as { error?: { code?: string; message?: string; details?: ApiError["details"] } } | undefined
  )?.error;
  throw new ApiError(
    response.status,
    refusal?.code ?? `Http${response.status}`,
    refusal?.message ??
      (text.slice(0, 500) || `The service answered with status ${response.status}. Try again; its log says why.`),
    refusal?.details ?? [],
  );
}

interface Page<Row> {
  readonly value: readonly Row[];
  readonly nextLink?: string | null;
  readonly asOf?: string;
}

/** All pages of a list, in order; `onPage` sees each. */
export async function callAll<Row>(
  path: string,
  options: Call = {},
  onPage: (page: Page<Row>) => void = () => {},
): Promise<Row[]> {
  const rows: Row[] = [];
  let page = await call<Page<Row>>(path, options);
  for (;;) {
    onPage(page);
    rows.push(...page.value);
    if (!page.nextLink) return rows;
    page = await call<Page<Row>>(sameOrigin(page.nextLink), { signal: options.signal });
  }
}

/** Behind a proxy the service may know itself by another origin or prefix than the browser does: only what follows is taken over. */
function sameOrigin(link: string): URL {
  const url = new URL(link, apiRoot);
  const path = url.pathname.slice(Math.max(0, url.pathname.toLowerCase().indexOf("/subscriptions/")) + 1);
  const own = new URL(path, apiRoot);
  own.search = url.search;
  if (!own.searchParams.has("api-version")) own.searchParams.set("api-version", apiVersion);
  return own;
}

function parse(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
