import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MigrationAnswer } from "../../local/migration-client.js";
import { Stage } from "../fixtures/stage.js";

/** What Azure's own clients send, and the published examples: requests as they were recorded, answered as Azure answers them. */
let stage: Stage;
const subscription = "ffffffff-ffff-ffff-ffff-ffffffffffff";
const migrations = `/subscriptions/${subscription}/resourceGroups/examplegroup/providers/Microsoft.DBforPostgreSQL/flexibleServers/exampleserver/migrations`;
const examplePassword = "example-password";

beforeAll(async () => {
  stage = await Stage.open({
    service: { settings: { SERVER_ADMINISTRATORS: "examplesource=exampleadmin, exampleserver=exampleadmin" } },
  });
  for (const name of ["db1", "db2", "db3", "db4"]) {
    await stage.source.query(`create database ${name}`);
    await stage.source.query("create table t as select g as id from generate_series(1, 10) as g", { database: name });
  }
  await stage.source.query("create role blind login password 'blind-password'");
});
afterAll(() => stage?.close());

async function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${stage.service.url}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: (text === "" ? {} : JSON.parse(text)) as MigrationAnswer & { error?: { code: string; message: string } },
  };
}

/** A body in the words of azure-cli's properties file, over the servers of this stage. */
function cliBody(properties: Record<string, unknown> = {}, user = stage.source.user, password = stage.source.password) {
  return {
    location: "canadacentral",
    properties: {
      migrationMode: "offline",
      migrationOption: "ValidateAndMigrate",
      sourceType: "OnPremises",
      sslMode: "Prefer",
      sourceDbServerResourceId: `127.0.0.1:${stage.source.port}@${user}`,
      targetDbServerFullyQualifiedDomainName: `127.0.0.1:${stage.target.port}`,
      secretParameters: {
        adminCredentials: { sourceServerPassword: password, targetServerPassword: stage.target.password },
        targetServerUsername: stage.target.user,
      },
      dbsToMigrate: ["db1"],
      setupLogicalReplicationOnSourceDbIfNeeded: "False",
      overwriteDbsInTarget: "True",
      ...properties,
    },
  };
}

async function atEnd(name: string): Promise<MigrationAnswer> {
  for (const limit = Date.now() + 60_000; ; await new Promise((resolve) => setTimeout(resolve, 200))) {
    const { body } = await send("GET", `${migrations}/${name}`);
    if (["Succeeded", "Failed", "Canceled", "ValidationFailed"].includes(body.properties.currentStatus.state))
      return body;
    if (Date.now() > limit) throw new Error(`${name}: ${JSON.stringify(body)}\n${await stage.service.logTail()}`);
  }
}

const detailsOf = ({ properties }: MigrationAnswer) => properties.currentStatus.currentSubStateDetails;

describe("api-version", () => {
  it.each([
    "2022-05-01-privatepreview",
    "2022-12-01",
    "2023-06-01-preview",
    "2024-08-01",
    "2025-08-01",
    "2026-01-01-preview",
    "2026-07-01-preview",
    "2031-02-28",
  ])("%s is taken and answered in the shape of 2025-08-01", async (version) => {
    const { status, body } = await send("GET", `${migrations}?migrationListFilter=All&api-version=${version}`);
    expect({ status, body }).toMatchObject({ status: 200, body: { value: expect.any(Array) } });
  });

  it.each(["2019-10-01", "2022-04-30", "2025-13-01", "2025-02-30", "latest", "2025-08-01-", "", "2025-8-1"])(
    "%j is refused with the one to use",
    async (version) => {
      const { status, body } = await send("GET", `${migrations}?api-version=${version}`);
      expect(status).toBe(400);
      expect(body.error?.message).toContain("use api-version=2025-08-01");
    },
  );
});

describe("the specification's examples, word for word", () => {
  const azureSource = {
    sourceDbServerResourceId: `/subscriptions/${subscription}/resourceGroups/examplegroup/providers/Microsoft.DBForPostgreSql/servers/examplesource`,
  };
  const secretParameters = {
    adminCredentials: { sourceServerPassword: examplePassword, targetServerPassword: examplePassword },
  };
  const common = {
    dbsToMigrate: ["exampledatabase1", "exampledatabase2", "exampledatabase3", "exampledatabase4"],
    migrationMode: "Offline",
    overwriteDbsInTarget: "True",
    secretParameters,
  };
  const instance = `/subscriptions/${subscription}/resourceGroups/examplegroup/providers/Microsoft.DBForPostgreSql/flexibleServers/examplesourcemigration`;
  const examples: Record<string, Record<string, unknown>> = {
    MigrationsCreate: { ...common, ...azureSource },
    MigrationsCreateOtherSourceTypesValidateMigrate: {
      ...common,
      migrationOption: "ValidateAndMigrate",
      sourceDbServerResourceId: "examplesource:5432@exampleuser",
      sourceType: "OnPremises",
      sslMode: "Prefer",
    },
    MigrationsCreateValidateOnly: { ...common, ...azureSource, migrationOption: "Validate" },
    MigrationsCreateWithFullyQualifiedDomainName: {
      ...common,
      ...azureSource,
      sourceDbServerFullyQualifiedDomainName: "examplesource.contoso.com",
      targetDbServerFullyQualifiedDomainName: "exampletarget.contoso.com",
      secretParameters: { ...secretParameters, sourceServerUsername: "a", targetServerUsername: "b" },
    },
    MigrationsCreateWithOtherUsers: {
      ...common,
      ...azureSource,
      secretParameters: {
        ...secretParameters,
        sourceServerUsername: "newadmin@testsource",
        targetServerUsername: "targetadmin",
      },
    },
    MigrationsCreateWithPrivateEndpointServers: {
      ...common,
      ...azureSource,
      migrationInstanceResourceId: instance,
    },
    MigrationsCreateWithRoles: { ...common, ...azureSource, migrateRoles: "True" },
  };

  it.each(Object.entries(examples))("%s is created, and answered with what it has", async (title, properties) => {
    const name = title.toLowerCase();
    const created = await send("PUT", `${migrations}/${name}?api-version=2025-08-01`, {
      location: "eastus",
      properties,
    });
    expect(created).toMatchObject({ status: 201, body: { location: "eastus" } });
    const { secretParameters: _, ...answered } = properties;
    expect(created.body.properties).toMatchObject(answered);
    // Where nothing has been reached there is nothing to wait for.
    await send("DELETE", `${migrations}/${name}`);
    const end = await atEnd(name);
    expect(Object.values(detailsOf(end)?.dbDetails ?? {}).map(({ migrationState }) => migrationState)).toEqual(
      Array(4).fill(end.properties.currentStatus.state === "Canceled" ? "Canceled" : "Failed"),
    );
    expect(detailsOf(end)?.currentSubState).toBe("Completed");
  });

  it("name the users that are missing where no setting and no earlier migration tells them", async () => {
    const unknown = `${migrations.replace("exampleserver", "unknownserver")}/first`;
    const { status, body } = await send("PUT", unknown, {
      properties: {
        ...common,
        sourceDbServerResourceId: azureSource.sourceDbServerResourceId.replace("examplesource", "unknownsource"),
      },
    });
    expect({ status, body }).toMatchObject({ status: 400, body: { error: { code: "InvalidRequest" } } });
    expect(JSON.stringify(body)).toMatch(/sourceServerUsername is missing.*targetServerUsername is missing/);
    expect(JSON.stringify(body)).toContain("SERVER_ADMINISTRATORS");
  });
});

describe("azure-cli's words", () => {
  it("are read in any case, with null for what is absent and former names", async () => {
    const path = `${migrations}/spelled?api-version=2026-07-01-preview`;
    const created = await send("PUT", path, {
      Location: "eastus2euap",
      tags: null,
      Properties: {
        ...cliBody().properties,
        migrationMode: undefined,
        migrationOption: undefined,
        overwriteDbsInTarget: undefined,
        MigrationMode: "offline",
        MigrationOption: "validate",
        overwriteDbsinTarget: "true",
        migrationInstanceResourceId: null,
        sourceDbServerFullyQualifiedDomainName: null,
        TriggerCutover: "True",
        MigrationResourceGroup: { ResourceId: "x" },
        secretParameters: {
          AdminCredentials: {
            SourceServerPassword: stage.source.password,
            TargetServerPassword: stage.target.password,
          },
          AADApp: { clientId: "x", tenantId: "y", aadSecret: "z" },
          targetServerUsername: stage.target.user,
          sourceServerUsername: null,
        },
      },
    });
    expect(created).toMatchObject({
      status: 201,
      body: {
        location: "eastus2euap",
        properties: {
          migrationMode: "Offline",
          migrationOption: "Validate",
          overwriteDbsInTarget: "True",
          triggerCutover: "True",
        },
      },
    });
    const end = await atEnd("spelled");
    expect(end.properties.currentStatus.state).toBe("Succeeded");
    expect(detailsOf(end)).toMatchObject({
      currentSubState: "Completed",
      dbDetails: { db1: { migrationState: "Succeeded", endedOn: expect.any(String) } },
    });
    expect(JSON.stringify(end)).not.toMatch(/aadSecret|adminCredentials/i);
  });

  it("given twice in different case are refused", async () => {
    const { status, body } = await send("PUT", `${migrations}/twice`, cliBody({ OverwriteDbsInTarget: "False" }));
    expect(status).toBe(400);
    expect(body.error?.message).toMatch(/OverwriteDbsInTarget is given twice, also as overwriteDbsInTarget/);
  });

  it("cancel and cut over with capital letters and a list that is null", async () => {
    expect((await send("PUT", `${migrations}/held`, cliBody({ startDataMigration: "False" }))).status).toBe(201);
    const cutover = { properties: { triggerCutover: "true", DBsToTriggerCutoverMigrationOn: ["db1"] } };
    expect((await send("PATCH", `${migrations}/held`, cutover)).body.error?.code).toBe("NoCutover");
    const canceled = await send("PATCH", `${migrations}/held`, {
      properties: { Cancel: "true", DBsToCancelMigrationOn: null },
    });
    expect(canceled).toMatchObject({ status: 200, body: { properties: { cancel: "True" } } });
    expect((await atEnd("held")).properties.currentStatus.state).toBe("Canceled");
  });

  it("migrate the database postgres", async () => {
    await stage.source.query("create table kept as select g as id from generate_series(1, 1000) as g");
    await stage.target.query("create table in_the_way (id integer)");
    const path = `${migrations}/e2c2bc23-0582-4bd7-b174-621067f6cda2?api-version=2026-07-01-preview`;
    expect((await send("PUT", path, cliBody({ dbsToMigrate: ["postgres", "db2"] }))).status).toBe(201);
    const end = await atEnd("e2c2bc23-0582-4bd7-b174-621067f6cda2");
    expect(end.properties.currentStatus).toMatchObject({ state: "Succeeded" });
    expect(JSON.stringify(detailsOf(end))).toMatch(/Database postgres is on the target already .* it will be dropped/);
    expect(await stage.differences("postgres")).toEqual([]);
  });
});

describe("a cancel before the copy", () => {
  it.each([0, 150, 300])("after %d ms leaves every database canceled and claims no validation", async (wait) => {
    const name = `early${wait}`;
    const body = cliBody({ dbsToMigrate: ["db3", "db4"] });
    expect((await send("PUT", `${migrations}/${name}`, body)).status).toBe(201);
    await new Promise((resolve) => setTimeout(resolve, wait));
    await send("PATCH", `${migrations}/${name}`, { properties: { cancel: "True" } });
    const end = await atEnd(name);
    expect(["Canceled", "Succeeded"]).toContain(end.properties.currentStatus.state);
    for (const database of Object.values(detailsOf(end)?.dbDetails ?? {})) {
      expect(database).toMatchObject({
        migrationState: end.properties.currentStatus.state,
        endedOn: expect.any(String),
      });
    }
  });

  it("during the validation says that rules were not checked", async () => {
    // Its rules wait for a lock that is held, up to their limit of five seconds.
    const holder = await stage.source.connect("db3");
    await holder.query("begin; lock table t in access exclusive mode");
    try {
      expect((await send("PUT", `${migrations}/cut`, cliBody({ dbsToMigrate: ["db3"] }))).status).toBe(201);
      for (const limit = Date.now() + 30_000; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
        const details = detailsOf((await send("GET", `${migrations}/cut`)).body) as { validationDetails?: object };
        if (details?.validationDetails !== undefined || Date.now() > limit) break;
      }
      await send("DELETE", `${migrations}/cut`);
    } finally {
      await holder.end();
    }
    const end = await atEnd("cut");
    if (end.properties.currentStatus.state !== "Canceled") return;
    const { validationDetails } = detailsOf(end) as {
      validationDetails?: { status?: string; validationEndTimeInUtc?: string };
    };
    expect(validationDetails?.status).not.toBe("Succeeded");
    expect(validationDetails?.validationEndTimeInUtc).toBeUndefined();
    expect(JSON.stringify(validationDetails)).toContain("before every rule was checked");
  });
});

describe("an end that is no success", () => {
  it("of a validation leaves its databases failed", async () => {
    const body = cliBody({ migrationOption: "Validate" }, "blind", "blind-password");
    expect((await send("PUT", `${migrations}/invalid`, body)).status).toBe(201);
    const end = await atEnd("invalid");
    expect(end.properties.currentStatus.state).toBe("ValidationFailed");
    expect(detailsOf(end)).toMatchObject({
      currentSubState: "Completed",
      dbDetails: { db1: { migrationState: "Failed", startedOn: expect.any(String), endedOn: expect.any(String) } },
      validationDetails: { status: "Failed", validationEndTimeInUtc: expect.any(String) },
    });
  });

  it("of a migration whose table may not be read tells the server's words and the remedy", async () => {
    const body = cliBody({ migrationOption: "Migrate" }, "blind", "blind-password");
    expect((await send("PUT", `${migrations}/blind`, body)).status).toBe(201);
    const { error } = (await atEnd("blind")).properties.currentStatus;
    expect(error).toMatch(/permission denied for .*t\b.*GRANT SELECT/);
    expect(error).not.toMatch(/pg_dump|exit code/);
  });

  it("of a connection leaves its databases failed", async () => {
    const body = cliBody({ migrationOption: "Migrate" }, "blind", "another-password");
    expect((await send("PUT", `${migrations}/unreached`, body)).status).toBe(201);
    const end = await atEnd("unreached");
    expect(end.properties.currentStatus.state).toBe("Failed");
    expect(detailsOf(end)?.dbDetails?.db1).toMatchObject({ migrationState: "Failed", endedOn: expect.any(String) });
  });
});

describe("DELETE", () => {
  it("of what is not there is 204, of what has ended 409", async () => {
    const missing = await send("DELETE", `${migrations}/nope?api-version=2025-08-01`);
    expect([missing.status, missing.body]).toEqual([204, {}]);
    const ended = await send("DELETE", `${migrations}/spelled?api-version=2025-08-01`);
    expect(ended).toMatchObject({ status: 409, body: { error: { code: "MigrationEnded" } } });
  });
});

describe("two validations", () => {
  it("of one database run beside each other and beside a migration of it", async () => {
    const held = cliBody({ dbsToMigrate: ["db4"], startDataMigration: "False", migrationOption: "Migrate" });
    expect((await send("PUT", `${migrations}/holder`, held)).status).toBe(201);
    const validation = cliBody({ dbsToMigrate: ["db4"], migrationOption: "Validate" });
    const both = await Promise.all(["v1", "v2"].map((name) => send("PUT", `${migrations}/${name}`, validation)));
    expect(both.map(({ status }) => status)).toEqual([201, 201]);
    for (const name of ["v1", "v2"]) expect((await atEnd(name)).properties.currentStatus.state).toBe("Succeeded");
    await send("DELETE", `${migrations}/holder`);
    await atEnd("holder");
  });
});

describe("every answer", () => {
  it("has ARM's headers and is kept nowhere", async () => {
    const ids = { "x-ms-client-request-id": "from-the-client", "x-ms-correlation-request-id": "together" };
    for (const path of [`${migrations}/spelled`, `${migrations}/nope`]) {
      const { headers } = await send("GET", path, undefined, ids);
      expect(headers.get("x-ms-request-id")).toMatch(/^[0-9a-f-]{36}$/);
      expect(headers.get("x-ms-client-request-id")).toBe("from-the-client");
      expect(headers.get("x-ms-correlation-request-id")).toBe("together");
      expect(headers.get("cache-control")).toBe("no-store");
    }
  });
});
