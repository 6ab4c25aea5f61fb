/**
 * The one way to a host that a caller has named, a database server's or a webhook's: its name is resolved, the addresses are checked, and the
 * connection goes to one of those very addresses. A name that is resolved a second time could lead elsewhere by then.
 */
import { type LookupAddress, lookup as resolveName } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { ServiceError } from "../model/service-error.js";
import { settings } from "../settings.js";
import { type AllowedAddresses, isAllowed } from "./allowed-addresses.js";

/** As dns.lookup() with `all`. */
export type ResolveName = (
  host: string,
  options: { all: true; family?: number | "IPv4" | "IPv6" | undefined; hints?: number | undefined },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * The `lookup` option of net.connect() and http.request() for this host. A redirect leads to another host: follow none.
 * @throws ServiceError AddressNotAllowed for an IP address that is not: those are connected to without a look-up.
 */
export function guardedLookup(
  host: string,
  allowed: AllowedAddresses = settings().allowedAddresses,
  resolve: ResolveName = resolveName,
): LookupFunction {
  if (isIP(host.replace(/%.*$/, "")) !== 0 && !isAllowed(host, allowed)) throw notAllowed(host);
  return (name, options, done) => {
    const { family, hints } = options;
    resolve(name, { all: true, family, hints }, (error, addresses) => {
      if (error !== null) return done(error, []);
      const reachable = addresses.filter(({ address }) => isAllowed(address, allowed));
      const [first] = reachable;
      if (first === undefined) return done(notAllowed(name), []);
      if (options.all === true) return done(null, reachable);
      done(null, first.address, first.family);
    });
  };
}

/**
 * One allowed address of the host, for a program that connects by itself.
 * @throws ServiceError AddressNotAllowed, and what the resolver says
 */
export async function allowedAddress(host: string): Promise<string> {
  const lookup = guardedLookup(host);
  if (isIP(host.replace(/%.*$/, "")) !== 0) return host;
  return await new Promise((resolve, reject) => {
    lookup(host, {}, (error, address) => (error === null ? resolve(String(address)) : reject(error)));
  });
}

/** Does not say what a name resolves to: that is for whoever may look into this network. */
function notAllowed(host: string): ServiceError {
  return new ServiceError(
    "AddressNotAllowed",
    `${host} is not an address that this service connects to: give the server's own name or address. Loopback, private and public addresses are allowed ` +
      "by the app setting ALLOWED_ADDRESSES; link-local addresses and a platform's metadata never are.",
    { target: host },
  );
}
