/** Which addresses this service connects to: what the app setting ALLOWED_ADDRESSES lists, and never what is forbidden (address-kind.ts). */
import { type BlockList, isIP } from "node:net";
import { type AddressKind, addressKind, rangesOf } from "./address-kind.js";

const kinds = ["public", "private", "loopback"] as const satisfies readonly AddressKind[];

export interface AllowedAddresses {
  readonly kinds: ReadonlySet<AddressKind>;
  readonly ranges: BlockList;
}

/**
 * Reads the setting: `public`, `private`, `loopback`, and ranges as 10.1.0.0/16, separated by commas.
 * @throws TypeError naming what is none of them.
 */
export function parseAllowedAddresses(text: string): AllowedAddresses {
  const entries = text
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== "");
  const named = kinds.filter((kind) => entries.includes(kind));
  const ranges = entries.filter((entry) => !named.some((kind) => kind === entry));
  return { kinds: new Set(named), ranges: rangesOf(...ranges.map(asRange)) };
}

/** A single address is a range of one. */
function asRange(entry: string): string {
  const family = isIP(entry);
  return family === 0 ? entry : `${entry}/${family === 4 ? 32 : 128}`;
}

export function isAllowed(address: string, { kinds: allowed, ranges }: AllowedAddresses): boolean {
  const kind = addressKind(address);
  if (kind === "forbidden") return false;
  const plain = address.replace(/%.*$/, "");
  return allowed.has(kind) || ranges.check(plain, isIP(plain) === 4 ? "ipv4" : "ipv6");
}
