import type { WebhookAnswer, WebhookHandler, WebhookRequest } from "../http/server.js";
import { type ClientAddresses, managementUrls } from "./client-binding.js";
import type { Engine, SendResult } from "./engine.js";
import { isTerminal, type RuntimeStatus } from "./instance-record.js";
import { historyPayload, statusPayload } from "./status.js";
import type { DurableStore, InstanceFilter } from "./store.js";

/** Durable's HTTP API (learn.microsoft.com, "HTTP APIs in Durable Functions"), which durable-functions' client calls too. */

const DEFAULT_PAGE_SIZE = 100;
const MAX_INSTANCE_ID_LENGTH = 100;

export function managementApi(engine: Engine, store: DurableStore, addresses: ClientAddresses): WebhookHandler {
  return async (request) => {
    const [resource, ...segments] = request.path
      .split("/")
      .filter((segment) => segment !== "")
      .map(decodeURIComponent);
    try {
      if (resource?.toLowerCase() === "orchestrators") {
        return await startOrchestration(engine, addresses, request, segments);
      }
      if (resource?.toLowerCase() === "instances") {
        return await instances(engine, store, request, segments);
      }
      return resource?.toLowerCase() === "entities"
        ? { status: 501, body: { message: "Durable entities are not supported by this local host." } }
        : { status: 404 };
    } catch (error) {
      return { status: 500, body: { message: error instanceof Error ? error.message : String(error) } };
    }
  };
}

async function startOrchestration(
  engine: Engine,
  addresses: ClientAddresses,
  { method, body }: WebhookRequest,
  [name = "", instanceId]: string[],
): Promise<WebhookAnswer> {
  if (method !== "POST") {
    return { status: 404 };
  }
  const input = body === "" ? "null" : body;
  const problem = instanceId === undefined ? undefined : instanceIdProblem(instanceId);
  if (problem !== undefined || !isJson(input)) {
    return badRequest(problem ?? "Invalid JSON content");
  }
  try {
    const started = await engine.start(name, instanceId, input);
    if (started.kind === "exists") {
      return {
        status: 409,
        body: {
          message: `An orchestration with the instance ID '${started.instanceId}' already exists and is running.`,
        },
      };
    }
    const links = managementUrls(addresses, started.instanceId);
    return { status: 202, headers: { location: links.statusQueryGetUri ?? "", "retry-after": "10" }, body: links };
  } catch (error) {
    return badRequest(error instanceof Error ? error.message : String(error));
  }
}

async function instances(
  engine: Engine,
  store: DurableStore,
  request: WebhookRequest,
  [instanceId, operation, eventName]: string[],
): Promise<WebhookAnswer> {
  const { method, url } = request;
  if (instanceId === undefined) {
    if (method === "GET") {
      return await list(store, request);
    }
    return method === "DELETE" ? await purgeMany(engine, store, url) : { status: 404 };
  }
  if (operation === undefined) {
    if (method === "GET") {
      return await status(store, url, instanceId);
    }
    return method === "DELETE" ? await purgeOne(engine, instanceId) : { status: 404 };
  }
  if (method !== "POST") {
    return { status: 404 };
  }
  const reason = url.searchParams.get("reason") ?? "";
  switch (operation.toLowerCase()) {
    case "raiseevent":
      return await raiseEvent(engine, store, request, instanceId, eventName);
    case "terminate":
      return sent(await engine.terminate(instanceId, reason));
    case "suspend":
      return sent(await engine.suspend(instanceId, reason));
    case "resume":
      return await resume(engine, store, instanceId, reason);
    case "rewind":
    case "restart":
      return { status: 501, body: { message: `${operation} is not supported by this local host.` } };
    default:
      return { status: 404 };
  }
}

async function resume(engine: Engine, store: DurableStore, instanceId: string, reason: string): Promise<WebhookAnswer> {
  const record = await store.find(instanceId);
  if (record !== undefined && !isTerminal(record.runtimeStatus) && record.runtimeStatus !== "Suspended") {
    const message = `Cannot resume the orchestration instance ${instanceId} because instance is in the ${record.runtimeStatus} state.`;
    return { status: 500, body: { message } };
  }
  return sent(await engine.resume(instanceId, reason));
}

async function raiseEvent(
  engine: Engine,
  store: DurableStore,
  { headers, body }: WebhookRequest,
  instanceId: string,
  eventName: string | undefined,
): Promise<WebhookAnswer> {
  if (eventName === undefined) {
    return badRequest("The event has no name.");
  }
  const record = await store.find(instanceId);
  if (record === undefined || isTerminal(record.runtimeStatus)) {
    return sent(record === undefined ? "unknown" : "ended");
  }
  if (!isJsonMedia(headers["content-type"])) {
    return badRequest("Only application/json request content is supported");
  }
  return isJson(body) ? sent(await engine.raiseEvent(instanceId, eventName, body)) : badRequest("Invalid JSON content");
}

async function status(store: DurableStore, url: URL, instanceId: string): Promise<WebhookAnswer> {
  const record = await store.find(instanceId);
  if (record === undefined) {
    return { status: 404 };
  }
  const flag = (name: string) => url.searchParams.get(name)?.toLowerCase();
  const history = flag("showHistory") === "true" ? await store.history(record) : undefined;
  const payload = statusPayload(
    record,
    flag("showInput") !== "false",
    history === undefined ? undefined : historyPayload(history, flag("showHistoryOutput") === "true"),
  );
  if (isTerminal(record.runtimeStatus)) {
    const asError = record.runtimeStatus === "Failed" && flag("returnInternalServerErrorOnFailure") === "true";
    return { status: asError ? 500 : 200, body: payload };
  }
  return { status: 202, headers: { location: url.href, "retry-after": "5" }, body: payload };
}

async function list(store: DurableStore, { url, headers }: WebhookRequest): Promise<WebhookAnswer> {
  const top = Number(url.searchParams.get("top") ?? DEFAULT_PAGE_SIZE);
  if (!Number.isInteger(top) || top < 1) {
    return badRequest("top must be a positive whole number.");
  }
  const token = headers["x-ms-continuation-token"];
  const page = await store.list(
    filterOf(url),
    Math.min(top, 1_000),
    typeof token === "string" && token !== "" ? token : undefined,
  );
  const showInput = url.searchParams.get("showInput")?.toLowerCase() === "true";
  return {
    status: 200,
    headers: { "x-ms-continuation-token": page.continuationToken ?? "" },
    body: page.records.map((record) => statusPayload(record, showInput, undefined)),
  };
}

async function purgeOne(engine: Engine, instanceId: string): Promise<WebhookAnswer> {
  switch (await engine.purge(instanceId)) {
    case "unknown":
      return { status: 404 };
    case "running":
      return {
        status: 412,
        body: `Only orchestrations in a terminal state can be purged, and ${instanceId} is not in one.`,
      };
    case "purged":
      return { status: 200, body: { instancesDeleted: 1 } };
  }
}

async function purgeMany(engine: Engine, store: DurableStore, url: URL): Promise<WebhookAnswer> {
  const filter = filterOf(url);
  if (filter.createdTimeFrom === undefined) {
    return badRequest("Please provide value for 'createdTimeFrom' parameter.");
  }
  let deleted = 0;
  let token: string | undefined;
  const found: string[] = [];
  do {
    const page = await store.list(filter, 500, token);
    found.push(...page.records.map(({ instanceId }) => instanceId));
    token = page.continuationToken;
  } while (token !== undefined);
  for (const instanceId of found) {
    deleted += (await engine.purge(instanceId)) === "purged" ? 1 : 0;
  }
  return deleted === 0 ? { status: 404 } : { status: 200, body: { instancesDeleted: deleted } };
}

const STATUSES: RuntimeStatus[] = [
  "Pending",
  "Running",
  "Suspended",
  "Completed",
  "Failed",
  "Terminated",
  "ContinuedAsNew",
  "Canceled",
];

function filterOf({ searchParams }: URL): InstanceFilter {
  const names = searchParams.getAll("runtimeStatus").flatMap((value) => value.toLowerCase().split(","));
  const runtimeStatus = STATUSES.filter((name) => names.includes(name.toLowerCase()));
  const [from, to] = ["createdTimeFrom", "createdTimeTo"].map((name) => new Date(searchParams.get(name) ?? ""));
  const prefix = searchParams.get("instanceIdPrefix");
  return {
    ...(runtimeStatus.length > 0 ? { runtimeStatus } : {}),
    ...(isDate(from) ? { createdTimeFrom: from } : {}),
    ...(isDate(to) ? { createdTimeTo: to } : {}),
    ...(prefix === null ? {} : { instanceIdPrefix: prefix }),
  };
}

function isDate(date: Date | undefined): date is Date {
  return date !== undefined && !Number.isNaN(date.getTime());
}

function sent(result: SendResult): WebhookAnswer {
  return { status: result === "sent" ? 202 : result === "ended" ? 410 : 404 };
}

function badRequest(message: string): WebhookAnswer {
  return { status: 400, body: { message } };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isJsonMedia(contentType: string | undefined): boolean {
  return contentType?.split(";")[0]?.trim().toLowerCase() === "application/json";
}

/** The rules of the Durable extension (DurableClient.StartNewAsync). */
function instanceIdProblem(instanceId: string): string | undefined {
  if (instanceId.startsWith("@")) {
    return "Orchestration instance ids must not start with @.";
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what the rule is about
  if (/[/\\#?\u0000-\u001f\u007f-\u009f]/.test(instanceId)) {
    return "Orchestration instance ids must not contain /, \\, #, ?, or control characters.";
  }
  return instanceId.length > MAX_INSTANCE_ID_LENGTH
    ? `Instance ID lengths must not exceed ${MAX_INSTANCE_ID_LENGTH} characters.`
    : undefined;
}
