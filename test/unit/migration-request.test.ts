import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemDatabases } from "../../shared/model/database-name.js";
import { type MigrationSpec, migrationKey } from "../../shared/model/migration.js";
import { parseMigrationPath } from "../../shared/model/migration-path.js";
import { parseMigrationRequest } from "../../shared/model/migration-request.js";
import { RequestError } from "../../shared/model/request-error.js";

const path = parseMigrationPath({
  subscriptionId: "11111111-1111-1111-1111-111111111111",
  resourceGroupName: "group",
  serverName: "Target",
  migrationName: "First",
});

function body(properties: Record<string, unknown> = {}, secretParameters: Record<string, unknown> = {}) {
  return {
    properties: {
      sourceDbServerResourceId: "old.example.com:5433@reader",
      secretParameters: {
        adminCredentials: { sourceServerPassword: "source-pw", targetServerPassword: "target-pw" },
        targetServerUsername: "writer",
        ...secretParameters,
      },
      dbsToMigrate: ["shop"],
      ...properties,
    },
  };
}

function specOf(
  properties: Record<string, unknown> = {},
  secretParameters: Record<string, unknown> = {},
): MigrationSpec {
  return parseMigrationRequest(path, body(properties, secretParameters)).spec;
}

function problemsOf(input: unknown): string[] {
  try {
    parseMigrationRequest(path, input);
  } catch (error) {
    if (error instanceof RequestError) return error.details.map((one) => one.target);
    throw error;
  }
  return [];
}

describe("a request for a migration", () => {
  it("needs little: everything else has Azure's defaults", () => {
    expect(specOf()).toEqual({
      key: "target_first",
      subscriptionId: "11111111-1111-1111-1111-111111111111",
      resourceGroup: "group",
      server: "Target",
      name: "First",
      mode: "Offline",
      option: "ValidateAndMigrate",
      source: { host: "old.example.com", port: 5433, user: "reader", sslMode: "Prefer" },
      target: { host: "target.postgres.database.azure.com", port: 5432, user: "writer", sslMode: "VerifyFull" },
      databases: ["shop"],
      overwriteDbsInTarget: true,
      migrateRoles: false,
      setupLogicalReplicationOnSourceDbIfNeeded: false,
      startDataMigration: true,
    });
  });

  it("keeps the passwords out of what is stored and handed to orchestrations", () => {
    const { spec, passwords, ...rest } = parseMigrationRequest(path, body());
    expect(passwords).toEqual({ source: "source-pw", target: "target-pw" });
    expect(JSON.stringify([spec, rest])).not.toMatch(/source-pw|target-pw/);
  });

  it("lets the name fields win over the address, and the user-name field over its user", () => {
    const named = { sourceDbServerFullyQualifiedDomainName: "new-name.example.com" };
    expect(specOf(named).source).toMatchObject({ host: "new-name.example.com", port: 5433, user: "reader" });
    const withPort = { sourceDbServerFullyQualifiedDomainName: "[2001:db8::1]:6000" };
    expect(specOf(withPort, { sourceServerUsername: "other@server" }).source).toMatchObject({
      host: "2001:db8::1",
      port: 6000,
      user: "other@server",
    });
    const target = { targetDbServerFullyQualifiedDomainName: "10.0.0.4:6432" };
    expect(specOf(target).target).toMatchObject({ host: "10.0.0.4", port: 6432 });
  });

  it("may leave out the resource ID when the name field and the user are there", () => {
    const named = { sourceDbServerResourceId: undefined, sourceDbServerFullyQualifiedDomainName: "db.example.com" };
    expect(specOf(named, { sourceServerUsername: "u" }).source).toMatchObject({ host: "db.example.com", port: 5432 });
  });

  it("verifies a single server's certificate unless it says otherwise", () => {
    const id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.DBforPostgreSQL/servers/single";
    const single = { sourceType: "PostgreSQLSingleServer", sourceDbServerResourceId: id };
    const user = { sourceServerUsername: "admin@single" };
    expect(specOf(single, user).source).toEqual({
      host: "single.postgres.database.azure.com",
      port: 5432,
      user: "admin@single",
      sslMode: "VerifyFull",
    });
    expect(specOf({ ...single, sslMode: "require" }, user).source.sslMode).toBe("Require");
    expect(parseMigrationRequest(path, body({ sourceDbServerResourceId: id }, user)).sourceType).toBe(
      "PostgreSQLSingleServer",
    );
  });

  it("takes two-valued fields as strings in any case and as booleans", () => {
    const written = (value: boolean) =>
      fc.constantFrom<unknown>(
        value,
        String(value),
        String(value).toUpperCase(),
        value ? "True" : "False",
        value ? "tRUE" : "fALSE",
      );
    fc.assert(
      fc.property(
        fc.boolean().chain((value) => written(value).map((text) => ({ value, text }))),
        ({ value, text }) => {
          const spec = specOf({ overwriteDbsInTarget: text, migrateRoles: text, startDataMigration: text });
          expect(spec).toMatchObject({ overwriteDbsInTarget: value, migrateRoles: value, startDataMigration: value });
        },
      ),
    );
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        fc.pre(
          value !== null && typeof value !== "boolean" && !(typeof value === "string" && /^(true|false)$/i.test(value)),
        );
        expect(problemsOf(body({ overwriteDbsInTarget: value }))).toEqual(["properties.overwriteDbsInTarget"]);
      }),
    );
  });

  it("takes any database name that PostgreSQL takes, as it is", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ minLength: 1, unit: "grapheme" }), { minLength: 1, maxLength: 8 }),
        (names) => {
          fc.pre(
            names.every((name) => Buffer.byteLength(name) <= 63 && !name.includes("\0") && !systemDatabases.has(name)),
          );
          expect(specOf({ dbsToMigrate: names }).databases).toEqual(names);
        },
      ),
    );
  });

  it("reads times as UTC unless they say otherwise", () => {
    const window = (start: string, end: string) =>
      specOf({ migrationWindowStartTimeInUtc: start, migrationWindowEndTimeInUtc: end });
    expect(window("2030-01-01T22:00:00", "2030-01-02T01:00:00+02:00")).toMatchObject({
      migrationWindowStartTimeInUtc: "2030-01-01T22:00:00.000Z",
      migrationWindowEndTimeInUtc: "2030-01-01T23:00:00.000Z",
    });
  });

  it("ignores what our own answers have and a request repeats, and null", () => {
    const repeated = {
      id: "/x",
      name: "First",
      type: "t",
      systemData: {},
      ...body({
        migrationId: "x",
        currentStatus: { state: "Failed" },
        targetDbServerResourceId: "/x",
        cancel: null,
        sslMode: null,
      }),
    };
    expect(problemsOf(repeated)).toEqual([]);
  });

  it("is told every problem at once, each with the path of its field", () => {
    const wrong = {
      tags: { team: 1 },
      colour: "blue",
      ...body(
        {
          migrationMode: "Fast",
          sourceDbServerResourceId: "db:0@u",
          dbsToMigrate: ["a", "a", "template0", "", 7, "é".repeat(32), "x\0", "ok", "ok2"],
          overwriteDbsInTarget: "maybe",
          migrationWindowStartTimeInUtc: "tomorrow",
          "strange key": 1,
        },
        { adminCredentials: { sourceServerPassword: "" }, targetServerUsername: "a\nb", more: 1 },
      ),
    };
    expect(problemsOf(wrong).sort()).toEqual(
      [
        "colour",
        "tags.team",
        "properties.migrationMode",
        "properties.sourceDbServerResourceId",
        "properties.dbsToMigrate",
        ...[1, 2, 3, 4, 5, 6].map((index) => `properties.dbsToMigrate[${index}]`),
        "properties.overwriteDbsInTarget",
        "properties.migrationWindowStartTimeInUtc",
        'properties["strange key"]',
        "properties.secretParameters.adminCredentials.sourceServerPassword",
        "properties.secretParameters.adminCredentials.targetServerPassword",
        "properties.secretParameters.targetServerUsername",
        "properties.secretParameters.more",
      ].sort(),
    );
  });

  it("never hears its passwords again in a refusal", () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (text, anything) => {
        // A password that no message can hold by chance.
        const password = `¤${text}¤`;
        fc.pre(!JSON.stringify(anything).includes("¤"));
        const wrong = body(
          { migrationMode: anything, dbsToMigrate: anything },
          {
            adminCredentials: { sourceServerPassword: `${password}\0`, targetServerPassword: [password] },
            [`${"x"}`]: 1,
          },
        );
        try {
          parseMigrationRequest(path, wrong);
          expect.unreachable();
        } catch (error) {
          if (!(error instanceof RequestError)) throw error;
          expect(JSON.stringify([error.message, error.details])).not.toContain(JSON.stringify(password).slice(1, -1));
        }
      }),
    );
  });
});

describe("the names in a path", () => {
  const legal = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9-]{0,30}$/);

  it("make a key that is the same in any case and different for different names", () => {
    fc.assert(
      fc.property(legal, legal, legal, legal, (server, name, otherServer, otherName) => {
        const parameters = { subscriptionId: "s", resourceGroupName: "g", serverName: server, migrationName: name };
        const { key } = parseMigrationPath(parameters);
        expect(migrationKey(server.toUpperCase(), name.toLowerCase())).toBe(key);
        const same =
          server.toLowerCase() === otherServer.toLowerCase() && name.toLowerCase() === otherName.toLowerCase();
        expect(migrationKey(otherServer, otherName) === key).toBe(same);
      }),
    );
  });

  it.each(["-first", "with_underscore", "with space", "ünïcode", "", "a".repeat(64), "dot.ted", "a/b"])(
    "cannot be %j",
    (migrationName) => {
      const parameters = { subscriptionId: "s", resourceGroupName: "g", serverName: "target", migrationName };
      expect(() => parseMigrationPath(parameters)).toThrow(
        expect.objectContaining({ status: 400, target: "migrationName" }),
      );
    },
  );
});
