/** Sending an event to a webhook: CloudEvents over HTTP, structured mode, to an address that the service may connect to. */
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { guardedLookup } from "../addresses/guarded-lookup.js";
import { signatureHeader, signatureOf } from "./signature.js";

const limitMilliseconds = 15_000;

export interface Webhook {
  readonly url: string;
  readonly secret?: string | undefined;
}

/**
 * Sends the event once. A redirect is no delivery: it would lead to an address that nobody has checked.
 * @returns undefined when the receiver took it, or what was in the way
 */
export async function postEvent({ url, secret }: Webhook, event: object): Promise<string | undefined> {
  const body = JSON.stringify(event);
  try {
    const status = await post(new URL(url), body, {
      "Content-Type": "application/cloudevents+json; charset=utf-8",
      "Content-Length": String(Buffer.byteLength(body)),
      "User-Agent": "postgres-migration-service",
      ...(secret !== undefined && { [signatureHeader]: signatureOf(body, secret) }),
    });
    return status >= 200 && status < 300 ? undefined : `the receiver answered ${status}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function post(url: URL, body: string, headers: Record<string, string>): Promise<number> {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  return await new Promise<number>((resolve, reject) => {
    const sending = request(
      url,
      // An idle connection of an agent's would have been made by another look-up.
      {
        method: "POST",
        headers,
        lookup: guardedLookup(host),
        agent: false,
        signal: AbortSignal.timeout(limitMilliseconds),
      },
      (response) => {
        // What it says beside its status is not for us, however much it is.
        response.destroy();
        resolve(response.statusCode ?? 0);
      },
    );
    sending.on("error", (error) =>
      reject(error.name === "AbortError" || error.name === "TimeoutError" ? new Error("no answer within 15 s") : error),
    );
    sending.end(body);
  });
}
