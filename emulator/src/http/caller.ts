import type { IncomingHttpHeaders } from "node:http";

/**
 * Why a request is refused before anything looks at it; undefined for one that may be answered. Whoever is on this machine may
 * talk to the host, and so may pages that it serves; a page from elsewhere, in a browser of this machine, may not: neither by a
 * request of its own, nor by a name of its own that has come to lead here (DNS rebinding).
 */
export function refusalOf(headers: IncomingHttpHeaders): string | undefined {
  const { host, origin } = headers;
  if (host === undefined || !isLoopback(host)) {
    return `This host answers for 127.0.0.1 and localhost, not for ${host ?? "a request without Host"}.`;
  }
  if (origin !== undefined && origin !== `http://${host}`) {
    return `A page of ${origin} may not use this host: open its own pages at http://${host}/.`;
  }
  if (headers["sec-fetch-site"] === "cross-site" && headers["sec-fetch-mode"] !== "navigate") {
    return "A page of another site may not use this host.";
  }
  return undefined;
}

/** Names that lead to this machine whoever answers for names (RFC 6761, 6.3). */
function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/:\d+$/, "");
  return name === "localhost" || name.endsWith(".localhost") || name === "[::1]" || /^127(\.\d{1,3}){3}$/.test(name);
}
