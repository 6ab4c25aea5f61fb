import type { IncomingMessage } from "node:http";

/** The Functions host takes 100 MB (docs, "HTTP trigger limits"); the app sets its own, lower limit. */
export const MAX_BODY_BYTES = 100 * 1024 * 1024;

/** The whole body, or undefined when it is over the limit (the rest is read and thrown away). */
export async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= MAX_BODY_BYTES) {
      chunks.push(chunk);
    } else {
      chunks.length = 0;
    }
  }
  return length <= MAX_BODY_BYTES ? Buffer.concat(chunks) : undefined;
}
