/** If-Match and If-None-Match (RFC 9110, section 13.1). */
import { RequestError } from "../model/request-error.js";

export interface Preconditions {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
}

/**
 * Checks a request's preconditions against the ETag of what is there.
 * @param etag undefined when there is nothing
 * @throws RequestError 412
 */
export function checkPreconditions({ ifMatch, ifNoneMatch }: Preconditions, etag: string | undefined): void {
  if (ifMatch !== undefined && !matches(ifMatch, etag)) {
    const message =
      etag === undefined
        ? "If-Match was given, but there is no such migration yet: leave the header out to create it."
        : "The migration has changed since the ETag in If-Match was read: GET it again and repeat the request with its new ETag.";
    throw new RequestError(412, "PreconditionFailed", message, { target: "If-Match" });
  }
  if (ifNoneMatch !== undefined && matches(ifNoneMatch, etag)) {
    throw new RequestError(
      412,
      "PreconditionFailed",
      "If-None-Match was given, but the migration exists: choose another name, or leave the header out.",
      { target: "If-None-Match" },
    );
  }
}

function matches(header: string, etag: string | undefined): boolean {
  if (etag === undefined) return false;
  // Weak comparison: Table Storage's ETags are all weak, and tell every change apart nevertheless.
  const bare = (tag: string) => tag.trim().replace(/^W\//, "");
  return header.trim() === "*" || header.split(",").some((tag) => bare(tag) === bare(etag));
}
