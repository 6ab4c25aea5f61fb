/**
 * What the host and its worker processes say to each other. The values inside (typed data, bindings, responses) have the
 * shapes of the Functions host's gRPC contract, because `@azure/functions` reads and writes them
 * (azure-functions-language-worker-protobuf, FunctionRpc.proto).
 */

/** One value crossing the boundary; exactly one member is set. */
export interface TypedData {
  string?: string;
  json?: string;
  bytes?: Uint8Array;
  int?: number;
  double?: number;
  http?: HttpData;
  collectionString?: { string: string[] };
  collectionBytes?: { bytes: Uint8Array[] };
}

export interface HttpCookie {
  name: string;
  value: string;
  domain?: { value: string };
  path?: { value: string };
  expires?: { value: { seconds: number } };
  secure?: { value: boolean };
  httpOnly?: { value: boolean };
  /** `none` means that the attribute is absent; SameSite=None is `explicitNone`. */
  sameSite?: "none" | "lax" | "strict" | "explicitNone";
  maxAge?: { value: number };
}

export interface HttpData {
  method?: string;
  url?: string;
  headers?: Record<string, string>;
  nullableHeaders?: Record<string, { value: string }>;
  nullableParams?: Record<string, { value: string }>;
  nullableQuery?: Record<string, { value: string }>;
  body?: TypedData | null;
  statusCode?: string;
  cookies?: HttpCookie[];
}

export interface Binding {
  type: string;
  direction: "in" | "out";
  [property: string]: unknown;
}

export interface FunctionMetadata {
  name: string;
  bindings: Record<string, Binding>;
}

export interface NamedData {
  name: string;
  data: TypedData;
}

export interface InvocationRequest {
  invocationId: string;
  functionName: string;
  inputData: NamedData[];
  triggerMetadata: Record<string, TypedData>;
}

export interface InvocationResponse {
  outputData: NamedData[];
  returnValue: TypedData | null;
}

export interface InvocationError {
  name: string;
  message: string;
  stack: string;
}

export type LogLevel = "trace" | "debug" | "information" | "warning" | "error" | "critical";

export type HostMessage = { kind: "invoke"; request: InvocationRequest } | { kind: "stop" };

export type WorkerMessage =
  | { kind: "ready"; functions: FunctionMetadata[] }
  | { kind: "unloadable"; error: InvocationError }
  | { kind: "succeeded"; invocationId: string; response: InvocationResponse }
  | { kind: "failed"; invocationId: string; error: InvocationError }
  | { kind: "log"; level: LogLevel; functionName?: string; invocationId?: string; message: string };

/** The error as something that survives a process boundary; a thrown non-Error becomes its text. */
export function toInvocationError(thrown: unknown): InvocationError {
  if (thrown instanceof Error) {
    return { name: thrown.name, message: thrown.message, stack: thrown.stack ?? thrown.message };
  }
  const message = typeof thrown === "string" ? thrown : (JSON.stringify(thrown) ?? String(thrown));
  return { name: "Error", message, stack: message };
}
