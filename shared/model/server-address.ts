/** The ways in which a request writes the address of a PostgreSQL server. */
import { isIP } from "node:net";

export interface ServerAddress {
  readonly host: string;
  /** Undefined when the text has none. */
  readonly port: number | undefined;
}

/** What was wrong with the text, as the end of a sentence that begins with the field's name. */
export interface AddressProblem {
  readonly problem: string;
}

export const defaultPort = 5432;

const hostLabel = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/i;

/** `host` or `host:port`; the host a name, an IPv4 address, or an IPv6 address in brackets. */
export function parseServerName(text: string): ServerAddress | AddressProblem {
  if (isIP(text) === 6) return { problem: `is an IPv6 address without brackets: write [${text}]:5432` };
  const match = /^(\[[^\]]*\]|[^:[\]]*)(?::(.*))?$/s.exec(text);
  const host = match?.[1];
  if (host === undefined) {
    return { problem: 'must be "host" or "host:port", e.g. db.example.com:5432 or [2001:db8::1]:5432' };
  }
  const name = host.startsWith("[") ? host.slice(1, -1) : host;
  if (host.startsWith("[") && isIP(name) !== 6) {
    return {
      problem: "has something other than an IPv6 address in its brackets: write a name or IPv4 address without them",
    };
  }
  if (!host.startsWith("[") && !isHost(name)) {
    return {
      problem: name === "" ? "has no host: write host:port" : "is not a host name or IP address: check the spelling",
    };
  }
  const port = match?.[2];
  if (port === undefined) return { host: name, port: undefined };
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    return { problem: "has a port that is no number from 1 to 65535: write e.g. db.example.com:5432" };
  }
  return { host: name, port: Number(port) };
}

/** `host:port@user`; the user is what follows the first `@`, which may hold another one. */
export function parseSourceAddress(text: string): (ServerAddress & { user: string | undefined }) | AddressProblem {
  const at = text.indexOf("@");
  const address = parseServerName(at === -1 ? text : text.slice(0, at));
  if ("problem" in address) {
    return { problem: `${address.problem} (the whole is "host:port@user")` };
  }
  const user = at === -1 ? undefined : text.slice(at + 1);
  if (user === "") return { problem: 'ends with "@" and no user: write host:port@user' };
  return { ...address, user };
}

const azureServer =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.DBforPostgreSQL\/(?:servers|flexibleServers|serverGroupsv2)\/([^/]+)$/i;

/** The host of an Azure server from its resource ID: the last segment names it. */
export function parseAzureResourceId(text: string): ServerAddress | AddressProblem {
  const server = azureServer.exec(text)?.[1];
  if (server === undefined || !hostLabel.test(server)) {
    return {
      problem:
        "must be the resource ID of the server: /subscriptions/…/resourceGroups/…/providers/Microsoft.DBforPostgreSQL/servers/NAME",
    };
  }
  return { host: azureHost(server), port: undefined };
}

/** The public name of an Azure Database for PostgreSQL server. */
export function azureHost(server: string): string {
  return `${server.toLowerCase()}.postgres.database.azure.com`;
}

/** Whether two addresses are the same server as far as their text can tell. */
export function sameServer(one: { host: string; port: number }, other: { host: string; port: number }): boolean {
  return one.port === other.port && canonicalHost(one.host) === canonicalHost(other.host);
}

function canonicalHost(host: string): string {
  const name = host.toLowerCase().replace(/\.$/, "");
  return name === "localhost" || name === "::1" || /^127\./.test(name) ? "loopback" : name;
}

function isHost(name: string): boolean {
  if (isIP(name) === 4) return true;
  // Digits and dots that are no IPv4 address are a mistyped one.
  if (name.length > 253 || /^[\d.]+$/.test(name)) return false;
  return name
    .replace(/\.$/, "")
    .split(".")
    .every((label) => hostLabel.test(label));
}
