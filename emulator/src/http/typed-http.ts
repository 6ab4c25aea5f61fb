import type { IncomingMessage, ServerResponse } from "node:http";
import type { HttpCookie, HttpData, TypedData } from "../worker/protocol.js";
import type { RouteValues } from "./route-template.js";

/** The request as the Functions host hands it to a Node worker (which has the RawHttpBodyBytes capability: bodies are bytes). */
export function toRpcRequest(request: IncomingMessage, url: URL, body: Buffer, values: RouteValues): HttpData {
  const headers: HttpData["nullableHeaders"] = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) {
      headers[name] = { value: Array.isArray(value) ? value.join(", ") : value };
    }
  }
  return {
    method: request.method ?? "GET",
    url: url.href,
    nullableHeaders: headers,
    nullableQuery: toNullable(joinedValues(url.searchParams)),
    nullableParams: toNullable(values),
    ...(body.length > 0 ? { body: { bytes: body } } : {}),
  };
}

/** Writes a function's HTTP output; nothing at all is 204, as on the Functions host. */
export function writeRpcResponse(response: ServerResponse, value: TypedData | null): void {
  const http = value?.http;
  if (http === undefined) {
    response.writeHead(204).end();
    return;
  }
  response.statusCode = Number(http.statusCode ?? 200);
  for (const [name, header] of Object.entries(http.headers ?? {})) {
    if (name !== "content-length" && name !== "transfer-encoding") {
      response.setHeader(name, header);
    }
  }
  const cookies = (http.cookies ?? []).map(cookieHeader);
  if (cookies.length > 0) {
    response.appendHeader("set-cookie", cookies);
  }
  const body = bodyBytes(http.body);
  if (response.statusCode !== 204 && response.statusCode !== 304) {
    response.setHeader("content-length", body.length);
  }
  response.end(body);
}

function bodyBytes(body: TypedData | null | undefined): Uint8Array {
  return body?.bytes ?? Buffer.from(body?.string ?? body?.json ?? "");
}

function cookieHeader(cookie: HttpCookie): string {
  const parts = [`${cookie.name}=${encodeURIComponent(cookie.value)}`];
  const { expires, maxAge, domain, path, secure, httpOnly, sameSite } = cookie;
  if (expires !== undefined) {
    parts.push(`expires=${new Date(expires.value.seconds * 1000).toUTCString()}`);
  }
  if (maxAge !== undefined) {
    parts.push(`max-age=${maxAge.value}`);
  }
  if (domain !== undefined) {
    parts.push(`domain=${domain.value}`);
  }
  parts.push(`path=${path?.value ?? "/"}`);
  if (secure?.value === true) {
    parts.push("secure");
  }
  if (sameSite !== undefined && sameSite !== "none") {
    parts.push(`samesite=${sameSite === "explicitNone" ? "none" : sameSite}`);
  }
  if (httpOnly?.value === true) {
    parts.push("httponly");
  }
  return parts.join("; ");
}

function joinedValues(parameters: URLSearchParams): Record<string, string> {
  const values: Record<string, string> = {};
  for (const name of new Set(parameters.keys())) {
    values[name] = parameters.getAll(name).join(",");
  }
  return values;
}

function toNullable(values: Record<string, string>): Record<string, { value: string }> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value }]));
}
