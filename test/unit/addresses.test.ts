import { once } from "node:events";
import { connect, createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { addressKind } from "../../shared/addresses/address-kind.js";
import { parseAllowedAddresses } from "../../shared/addresses/allowed-addresses.js";
import { guardedLookup, type ResolveName } from "../../shared/addresses/guarded-lookup.js";
import { settings } from "../../shared/settings.js";

/** IPv6 spellings that lead to an IPv4 address. */
function inside(address: string): string[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number);
  const hex = (high: number, low: number) => (high * 256 + low).toString(16);
  const groups = `${hex(a, b)}:${hex(c, d)}`;
  return [
    `::ffff:${address}`,
    `::ffff:${groups}`,
    `0:0:0:0:0:ffff:${groups}`,
    `::FFFF:${address}`,
    `::ffff:0:${address}`,
    `::${address}`,
    `64:ff9b::${address}`,
    `64:ff9b:1::${groups}`,
    `2002:${groups}::1`,
    `2001:0:4136:e378:8000:63bf:${hex(255 - a, 255 - b)}:${hex(255 - c, 255 - d)}`,
    `fd00::5efe:${address}`,
    `2001:db8::200:5efe:${address}`,
  ];
}

const ofKinds = {
  forbidden: ["169.254.169.254", "169.254.0.1", "168.63.129.16", "100.100.100.200", "224.0.0.1", "255.255.255.255"],
  loopback: ["127.0.0.1", "127.255.255.254", "0.0.0.0"],
  private: ["10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.1.1", "100.64.0.1"],
  public: ["20.50.2.1", "172.32.0.1", "8.8.8.8", "168.63.129.17"],
} as const;

describe.each(Object.entries(ofKinds))("%s", (kind, addresses) => {
  test.each(addresses)("%s is, and so is every IPv6 address that leads to it", (address) => {
    expect(addressKind(address)).toBe(kind);
    // "::" and "::1" are addresses of their own.
    const spellings = address === "0.0.0.0" ? inside(address).filter((one) => one !== "::0.0.0.0") : inside(address);
    expect(spellings.filter((spelling) => addressKind(spelling) !== kind)).toEqual([]);
  });
});

test.each([
  ["fe80::1", "forbidden"],
  ["fe80::1%eth0", "forbidden"],
  ["febf::1", "forbidden"],
  ["fd00:ec2::254", "forbidden"],
  ["fd20:ce::254", "forbidden"],
  ["ff02::1", "forbidden"],
  ["::1", "loopback"],
  ["0:0:0:0:0:0:0:1", "loopback"],
  ["::", "loopback"],
  ["fd00::1", "private"],
  ["fc00::1", "private"],
  ["2603:1030::1", "public"],
] as const)("%s is %s", (address, kind) => {
  expect(addressKind(address)).toBe(kind);
});

/** What the resolver of this machine makes of a host that a caller gives. */
async function lookUp(host: string, allowed: string, resolve?: ResolveName): Promise<string> {
  const lookup = guardedLookup(host, parseAllowedAddresses(allowed), resolve);
  return await new Promise((done, fail) => {
    lookup(host, {}, (error, address) => (error === null ? done(String(address)) : fail(error)));
  });
}

test.each(["0xa9fea9fe", "0251.0376.0251.0376", "2852039166", "169.254.43518", "0xa9.254.0251.254"])(
  "the resolver takes %s for the metadata address, and it is refused",
  async (host) => {
    await expect(lookUp(host, "public, private, loopback, 169.254.0.0/16")).rejects.toMatchObject({
      code: "AddressNotAllowed",
    });
  },
);

test.each(["127.0.0.1", "0x7f000001", "0177.0.0.1", "2130706433", "127.1", "localhost"])(
  "%s is reached with loopback allowed, and not without",
  async (host) => {
    const attempt = async (allowed: string) => await lookUp(host, allowed);
    await expect(attempt("public, private")).rejects.toMatchObject({ code: "AddressNotAllowed" });
    if (host !== "127.0.0.1") expect(await attempt("loopback")).toMatch(/^127\.0\.0\.1$|^::1$/);
  },
);

test("a range is allowed by itself", async () => {
  const resolve: ResolveName = (_host, _options, done) => done(null, [{ address: "10.1.2.3", family: 4 }]);
  expect(await lookUp("db.internal", "10.1.0.0/16", resolve)).toBe("10.1.2.3");
  await expect(lookUp("db.internal", "10.2.0.0/16, public", resolve)).rejects.toMatchObject({
    code: "AddressNotAllowed",
  });
});

test("only the allowed ones of a name's addresses are tried", async () => {
  const resolve: ResolveName = (_host, _options, done) =>
    done(null, [
      { address: "169.254.169.254", family: 4 },
      { address: "20.50.2.1", family: 4 },
    ]);
  expect(await lookUp("db.example.com", "public", resolve)).toBe("20.50.2.1");
});

test("a name that changes between the check and the connection leads to what was checked", async () => {
  const [checked, other] = [createServer().listen(0, "127.0.0.2"), createServer()];
  await once(checked, "listening");
  const address = checked.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  other.listen(address.port, "127.0.0.1");
  await once(other, "listening");
  try {
    const answers = ["127.0.0.2", "127.0.0.1"];
    let asked = 0;
    const resolve: ResolveName = (_host, _options, done) =>
      done(null, [{ address: answers[asked++] ?? "127.0.0.1", family: 4 }]);
    const lookup = guardedLookup("rebound.example", parseAllowedAddresses("127.0.0.2"), resolve);
    const first = connect({ host: "rebound.example", port: address.port, lookup });
    await once(first, "connect");
    expect([first.remoteAddress, asked]).toEqual(["127.0.0.2", 1]);
    first.destroy();

    const second = connect({ host: "rebound.example", port: address.port, lookup });
    const [error] = await once(second, "error");
    expect(error).toMatchObject({ code: "AddressNotAllowed" });
  } finally {
    checked.close();
    other.close();
  }
});

test.each(["everything", "10.0.0.0/33", "10.0.0.0/x", "db.example.com"])("the setting refuses %s", (text) => {
  expect(() => parseAllowedAddresses(text)).toThrow();
});

test("a machine of one's own reaches its own databases", () => {
  expect([...settings().allowedAddresses.kinds]).toContain("loopback");
});
