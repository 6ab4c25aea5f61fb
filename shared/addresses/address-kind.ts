/**
 * What kind of network an IP address belongs to, however it is written: IPv4 inside IPv6 (mapped, compatible, NAT64, 6to4, Teredo, ISATAP) counts as
 * the IPv4 address that it leads to. Ranges: IANA's special-purpose address registries.
 */
import { BlockList, isIP, SocketAddress } from "node:net";

/** `forbidden`: nobody's database, but a platform's metadata or its neighbours on the link. */
export type AddressKind = "public" | "private" | "loopback" | "forbidden";

const forbidden = rangesOf(
  // Link-local, with the metadata services of Azure, AWS, Google and others at 169.254.169.254.
  "169.254.0.0/16",
  "fe80::/10",
  // Metadata that is elsewhere: Azure's wire server, Alibaba's, Oracle's, AWS's and Google's over IPv6.
  "168.63.129.16/32",
  "100.100.100.200/32",
  "192.0.0.192/32",
  "fd00:ec2::254/128",
  "fd20:ce::254/128",
  // Multicast, broadcast and reserved.
  "224.0.0.0/4",
  "240.0.0.0/4",
  "ff00::/8",
);

/** The unspecified addresses and their network lead to this machine too. */
const loopback = rangesOf("127.0.0.0/8", "0.0.0.0/8", "::1/128", "::/128");

const isPrivate = rangesOf(
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "100.64.0.0/10",
  "198.18.0.0/15",
  "192.0.0.0/24",
  "fc00::/7",
  "fec0::/10",
);

/** @throws TypeError for what is no IP address. */
export function addressKind(address: string): AddressKind {
  const written = address.replace(/%.*$/, "");
  const family = isIP(written);
  if (family === 0) throw new TypeError(`${address} is no IP address`);
  const plain = family === 6 ? (embeddedAddress(written) ?? written) : written;
  const protocol = isIP(plain) === 4 ? "ipv4" : "ipv6";
  if (forbidden.check(plain, protocol)) return "forbidden";
  if (loopback.check(plain, protocol)) return "loopback";
  return isPrivate.check(plain, protocol) ? "private" : "public";
}

/** Ranges of IPv6 in whose addresses an IPv4 address is, with the byte where it begins. */
const embeddings: readonly (readonly [range: BlockList, byte: number, inverted?: true])[] = [
  [rangesOf("::ffff:0:0/96"), 12],
  [rangesOf("::ffff:0:0:0/96"), 12],
  [rangesOf("64:ff9b::/96"), 12],
  [rangesOf("64:ff9b:1::/48"), 12],
  [rangesOf("2002::/16"), 2],
  [rangesOf("2001::/32"), 12, true],
];

function embeddedAddress(address: string): string | undefined {
  const bytes = bytesOf(address);
  const at = (byte: number, inverted = false) =>
    [...bytes.subarray(byte, byte + 4)].map((value) => (inverted ? 255 - value : value)).join(".");
  // ::a.b.c.d, but not :: and ::1.
  if (bytes.subarray(0, 12).every((value) => value === 0) && bytes.readUInt32BE(12) > 1) return at(12);
  // ISATAP, in any network: …:0:5efe:a.b.c.d, and …:200:5efe:a.b.c.d.
  if ((bytes.readUInt32BE(8) & 0xfdffffff) === 0x00005efe) return at(12);
  // Compared by their bytes: BlockList takes a mapped address for the IPv4 one.
  for (const [range, byte, inverted] of embeddings) {
    if (range.check(address, "ipv6")) return at(byte, inverted);
  }
  return undefined;
}

function bytesOf(address: string): Buffer {
  // A dotted end is two groups; what "::" stands for is filled with zeros.
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const group = (high = "0", low = "0") => (Number(high) * 256 + Number(low)).toString(16);
  const hexadecimal =
    dotted === null ? address : `${dotted[1]}${group(dotted[2], dotted[3])}:${group(dotted[4], dotted[5])}`;
  const [front = "", back] = hexadecimal.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const ends = back === undefined ? [] : groups(back);
  const zeros = Array<string>(Math.max(0, 8 - groups(front).length - ends.length)).fill("0");
  const bytes = Buffer.alloc(16);
  for (const [index, value] of [...groups(front), ...zeros, ...ends].entries()) {
    bytes.writeUInt16BE(Number.parseInt(value, 16), index * 2);
  }
  return bytes;
}

/** @throws TypeError for what is no range in CIDR notation. */
export function rangesOf(...ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = "", bits = ""] = range.split("/");
    const family = isIP(network);
    if (family === 0 || !/^\d{1,3}$/.test(bits)) throw new TypeError(`${range} is no range of addresses`);
    list.addSubnet(new SocketAddress({ address: network, family: family === 6 ? "ipv6" : "ipv4" }), Number(bits));
  }
  return list;
}
