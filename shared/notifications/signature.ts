/** How a receiver knows that an event is the service's: HMAC-SHA256 over the body with the secret that both have. */
import { createHmac } from "node:crypto";

export const signatureHeader = "X-Migration-Signature";

/** @returns `sha256=` and the MAC in hexadecimal, as GitHub and others write theirs */
export function signatureOf(body: string, secret: string): string {
  return `sha256=${createHmac("sha256", secret).update(body, "utf8").digest("hex")}`;
}
