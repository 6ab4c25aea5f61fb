/** A request's JSON body, read within limits. */
import type { HttpRequest } from "@azure/functions";
import { jsonErrorOffset } from "../../../shared/model/json-error.js";
import { RequestError } from "../../../shared/model/request-error.js";

const maximumBytes = 1024 * 1024;

/** @throws RequestError 400 for malformed JSON, 413 above 1 MB, 415 for another content type */
export async function jsonBody(request: HttpRequest): Promise<unknown> {
  const type = request.headers.get("content-type");
  if (type !== null && !/^\s*application\/([\w.+-]+\+)?json\s*(;|$)/i.test(type)) {
    const message = `Content-Type "${type}" is not supported: send JSON with the header "Content-Type: application/json".`;
    throw new RequestError(415, "UnsupportedMediaType", message, { target: "Content-Type" });
  }
  if (Number(request.headers.get("content-length") ?? 0) > maximumBytes) throw tooLarge();
  const bytes = Buffer.from(await request.arrayBuffer());
  if (bytes.length > maximumBytes) throw tooLarge();
  const text = bytes.toString("utf8").replace(/^\uFEFF/, "");
  if (text.trim() === "") {
    throw new RequestError(400, "MissingBody", "The request has no body: send a JSON object.");
  }
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the body, which may hold a password.
    const before = text.slice(0, jsonErrorOffset(text)).split("\n");
    const column = (before.at(-1)?.length ?? 0) + 1;
    const message = `The body is not valid JSON: see line ${before.length}, column ${column}, and correct it there.`;
    throw new RequestError(400, "InvalidJson", message);
  }
}

function tooLarge(): RequestError {
  return new RequestError(413, "RequestTooLarge", "The body has more than 1 MB: send only the migration's properties.");
}
