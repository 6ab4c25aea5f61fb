import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  azureHost,
  parseAzureResourceId,
  parseServerName,
  parseSourceAddress,
  sameServer,
} from "../../shared/model/server-address.js";

const label = fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9-]{0,20}[A-Za-z0-9])?$/);
const hostName = fc
  .array(label, { minLength: 1, maxLength: 4 })
  .map((labels) => labels.join("."))
  .filter((name) => !/^[\d.]+$/.test(name));
const host = fc.oneof(
  hostName.map((name) => ({ text: name, host: name })),
  fc.ipV4().map((address) => ({ text: address, host: address })),
  fc.ipV6().map((address) => ({ text: `[${address}]`, host: address })),
);
const port = fc.integer({ min: 1, max: 65_535 });
const user = fc.string({ minLength: 1, unit: "grapheme" });

describe("addresses", () => {
  it("are read back whatever host, port and user they have; the user may hold an @ of its own", () => {
    fc.assert(
      fc.property(host, port, user, (server, number, name) => {
        expect(parseServerName(server.text)).toEqual({ host: server.host, port: undefined });
        expect(parseServerName(`${server.text}:${number}`)).toEqual({ host: server.host, port: number });
        expect(parseSourceAddress(`${server.text}:${number}@${name}`)).toEqual({
          host: server.host,
          port: number,
          user: name,
        });
        expect(parseSourceAddress(`${server.text}@${name}@${name}`)).toMatchObject({ user: `${name}@${name}` });
      }),
    );
  });

  it.each([
    ["", "no host"],
    [":5432", "no host"],
    ["db:", "no number from 1 to 65535"],
    ["db:0", "no number from 1 to 65535"],
    ["db:65536", "no number from 1 to 65535"],
    ["db:54x2", "no number from 1 to 65535"],
    ["db: 5432", "no number from 1 to 65535"],
    ["2001:db8::1", "without brackets"],
    ["[db]:5432", "no an IPv6|other than an IPv6"],
    ["[::1", '"host" or "host:port"'],
    ["db.example..com", "not a host name"],
    ["-db", "not a host name"],
    ["db example", "not a host name"],
    ["300.1.1.1", "not a host name"],
    ["10.0.0", "not a host name"],
    ["postgres://db", "65535|host name"],
    ["db/postgres", "not a host name"],
    ["db\n", "not a host name"],
  ])("refuse %j and say why", (text, reason) => {
    expect(parseServerName(text)).toEqual({ problem: expect.stringMatching(reason) });
    expect(parseSourceAddress(`${text}@user`)).toHaveProperty("problem");
  });

  it("refuse a source that ends in @", () => {
    expect(parseSourceAddress("db:5432@")).toEqual({ problem: expect.stringContaining("no user") });
  });

  it("name an Azure server by the last segment of its resource ID", () => {
    const id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.DBforPostgreSQL/servers/Old-Server";
    expect(parseAzureResourceId(id)).toEqual({ host: "old-server.postgres.database.azure.com", port: undefined });
    expect(parseAzureResourceId(id.toLowerCase())).toHaveProperty("host", azureHost("old-server"));
    expect(parseAzureResourceId(`${id}/databases/x`)).toHaveProperty("problem");
    expect(parseAzureResourceId("db:5432@user")).toHaveProperty("problem");
  });

  it("are the same server in any case and under this machine's names, not on another port", () => {
    expect(sameServer({ host: "DB.example.com", port: 1 }, { host: "db.example.com.", port: 1 })).toBe(true);
    expect(sameServer({ host: "localhost", port: 1 }, { host: "127.0.0.1", port: 1 })).toBe(true);
    expect(sameServer({ host: "db", port: 1 }, { host: "db", port: 2 })).toBe(false);
    expect(sameServer({ host: "db", port: 1 }, { host: "bd", port: 1 })).toBe(false);
  });
});
