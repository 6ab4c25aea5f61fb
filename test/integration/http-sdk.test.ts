import { type Migration, PostgreSQLManagementFlexibleServerClient } from "@azure/arm-postgresql-flexible";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Stage } from "../fixtures/stage.js";

/** Microsoft's own client, pointed at the local host: what works with ARM must work here. */
let stage: Stage;
let client: PostgreSQLManagementFlexibleServerClient;

const subscriptionId = "11111111-2222-3333-4444-555555555555";
const resourceGroup = "sdk-group";
const server = "sdk-target";

beforeAll(async () => {
  stage = await Stage.open();
  await stage.source.query("create database shop");
  await stage.source.query("create table orders (id integer primary key)", { database: "shop" });
  const credential = { getToken: async () => ({ token: "any", expiresOnTimestamp: Date.now() + 3_600_000 }) };
  client = new PostgreSQLManagementFlexibleServerClient(credential, subscriptionId, {
    // The client sends its token over https only; the local host speaks http.
    endpoint: stage.service.url.replace("http://", "https://"),
    retryOptions: { maxRetries: 0 },
    additionalPolicies: [
      {
        position: "perRetry",
        policy: {
          name: "plainHttp",
          sendRequest: (request, next) => {
            request.url = request.url.replace("https://", "http://");
            request.allowInsecureConnection = true;
            return next(request);
          },
        },
      },
    ],
  });
});
afterAll(() => stage?.close());

function migration(changes: Partial<Migration> = {}): Migration {
  return {
    location: "westeurope",
    tags: { team: "data" },
    migrationMode: "Offline",
    migrationOption: "Migrate",
    sourceType: "OnPremises",
    sslMode: "Prefer",
    sourceDbServerResourceId: `${stage.source.host}:${stage.source.port}@${stage.source.user}`,
    targetDbServerFullyQualifiedDomainName: `${stage.target.host}:${stage.target.port}`,
    secretParameters: {
      adminCredentials: { sourceServerPassword: stage.source.password, targetServerPassword: stage.target.password },
      targetServerUsername: stage.target.user,
    },
    dbsToMigrate: ["shop"],
    overwriteDbsInTarget: "True",
    startDataMigration: "False",
    migrationWindowStartTimeInUtc: new Date("2020-01-01T00:00:00Z"),
    ...changes,
  };
}

async function reach(name: string, condition: (migration: Migration) => boolean): Promise<Migration> {
  for (const limit = Date.now() + 60_000; ; await new Promise((resolve) => setTimeout(resolve, 200))) {
    const seen = await client.migrations.get(resourceGroup, server, name);
    if (condition(seen)) return seen;
    if (Date.now() > limit)
      throw new Error(`Not reached: ${JSON.stringify(seen.currentStatus)}\n${await stage.service.logTail()}`);
  }
}

const substateOf = (seen: Migration) => seen.currentStatus?.currentSubStateDetails?.currentSubState;

describe("Microsoft's SDK client", () => {
  it("creates, gets, lists, updates and watches a migration to its end", async () => {
    const { migrations } = client;
    const name = { name: "sdkone", type: "Microsoft.DBforPostgreSQL/flexibleServers/migrations" };
    expect(await migrations.checkNameAvailability(resourceGroup, server, name)).toEqual({
      ...name,
      nameAvailable: true,
    });

    const created = await migrations.create(resourceGroup, server, "sdkone", migration());
    expect(created).toMatchObject({
      id: `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}/providers/Microsoft.DBforPostgreSQL/flexibleServers/${server}/migrations/sdkone`,
      name: "sdkone",
      type: "Microsoft.DBforPostgreSQL/flexibleServers/migrations",
      location: "westeurope",
      tags: { team: "data" },
      migrationMode: "Offline",
      migrationOption: "Migrate",
      sourceType: "OnPremises",
      sslMode: "Prefer",
      dbsToMigrate: ["shop"],
      overwriteDbsInTarget: "True",
      startDataMigration: "False",
      migrationWindowStartTimeInUtc: new Date("2020-01-01T00:00:00Z"),
      currentStatus: { state: "InProgress" },
    });
    expect(created.migrationId).toMatch(/^[0-9a-f-]{36}$/);
    expect(created.systemData?.createdAt).toBeInstanceOf(Date);
    expect(created.secretParameters).toBeUndefined();

    expect(await migrations.checkNameAvailability(resourceGroup, server, name)).toMatchObject({
      nameAvailable: false,
      reason: "AlreadyExists",
      message: expect.stringContaining("choose another name"),
    });

    await reach("sdkone", (seen) => substateOf(seen) === "WaitingForDataMigrationScheduling");
    const listed = [];
    for await (const one of migrations.listByTargetServer(resourceGroup, server, { migrationListFilter: "Active" })) {
      listed.push(one.name);
    }
    expect(listed).toEqual(["sdkone"]);

    const updated = await migrations.update(resourceGroup, server, "sdkone", {
      startDataMigration: "True",
      tags: { team: "platform" },
    });
    expect(updated).toMatchObject({ startDataMigration: "True", tags: { team: "platform" } });

    const ended = await reach(
      "sdkone",
      (seen) => seen.currentStatus?.state !== "InProgress" && substateOf(seen) !== "WaitingForDataMigrationScheduling",
    );
    expect(ended.currentStatus).toMatchObject({
      state: "Succeeded",
      currentSubStateDetails: { currentSubState: "Completed" },
    });
    expect(ended.currentStatus?.currentSubStateDetails?.dbDetails?.shop).toMatchObject({
      databaseName: "shop",
      migrationState: "Succeeded",
      fullLoadQueuedTables: 0,
      fullLoadLoadingTables: 0,
      fullLoadCompletedTables: 1,
      fullLoadErroredTables: 0,
      startedOn: expect.any(Date),
      endedOn: expect.any(Date),
    });
    const active = [];
    for await (const one of migrations.listByTargetServer(resourceGroup, server, { migrationListFilter: "Active" })) {
      active.push(one.name);
    }
    expect(active).toEqual([]);
  });

  it("cancels a migration and is answered the migration", async () => {
    await client.migrations.create(resourceGroup, server, "sdktwo", migration());
    await reach("sdktwo", (seen) => substateOf(seen) === "WaitingForDataMigrationScheduling");
    expect(await client.migrations.cancel(resourceGroup, server, "sdktwo")).toMatchObject({
      name: "sdktwo",
      cancel: "True",
    });
    await reach("sdktwo", (seen) => seen.currentStatus?.state === "Canceled");
  });

  it("reads back what a validation found, every field typed and filled", async () => {
    await stage.source.query("create role sdkreader login password 'sdk-password'");
    const secretParameters = {
      adminCredentials: { sourceServerPassword: "sdk-password", targetServerPassword: stage.target.password },
      sourceServerUsername: "sdkreader",
      targetServerUsername: stage.target.user,
    };
    const failing = migration({ migrationOption: "Validate", startDataMigration: "True", secretParameters });
    await client.migrations.create(resourceGroup, server, "sdkvalidate", failing);
    const ended = await reach("sdkvalidate", (seen) => seen.currentStatus?.state !== "InProgress");
    expect(ended.currentStatus).toMatchObject({ state: "ValidationFailed", error: expect.stringContaining("shop") });
    const details = ended.currentStatus?.currentSubStateDetails?.validationDetails;
    expect(details).toMatchObject({
      status: "Failed",
      validationStartTimeInUtc: expect.any(Date),
      validationEndTimeInUtc: expect.any(Date),
    });
    expect(details?.serverLevelValidationDetails).toContainEqual({
      type: "Versions of source and target",
      state: "Succeeded",
      messages: [{ state: "Succeeded", message: expect.stringMatching(/^Source PostgreSQL \d+, target PostgreSQL/) }],
    });
    const [database] = details?.dbLevelValidationDetails ?? [];
    expect(database).toMatchObject({ databaseName: "shop", startedOn: expect.any(Date), endedOn: expect.any(Date) });
    expect(database?.summary?.[0]).toEqual({
      type: "Source user may read everything that is copied",
      state: "Failed",
      messages: [{ state: "Failed", message: expect.stringContaining('may not read tables "public"."orders"') }],
    });

    await stage.source.query("grant select on all tables in schema public to sdkreader", { database: "shop" });
    const repaired = migration({ migrationOption: "ValidateAndMigrate", startDataMigration: "True", secretParameters });
    const created = await client.migrations.create(resourceGroup, server, "sdkmove", repaired);
    expect(created.migrationOption).toBe("ValidateAndMigrate");
    const moved = await reach("sdkmove", (seen) => seen.currentStatus?.state !== "InProgress");
    expect(moved.currentStatus).toMatchObject({
      state: "Succeeded",
      currentSubStateDetails: {
        currentSubState: "Completed",
        dbDetails: { shop: { migrationState: "Succeeded", migrationOperation: "ValidateAndMigrate" } },
        validationDetails: { status: expect.stringMatching(/^(Succeeded|Warning)$/) },
      },
    });
  });

  it("gets ARM's errors with code, message and details", async () => {
    await expect(client.migrations.get(resourceGroup, server, "nosuch")).rejects.toMatchObject({
      statusCode: 404,
      code: "MigrationNotFound",
    });
    const wrong = migration({ dbsToMigrate: ["template1"], sslMode: "Never" });
    await expect(client.migrations.create(resourceGroup, server, "sdkthree", wrong)).rejects.toMatchObject({
      statusCode: 400,
      details: {
        error: {
          code: "InvalidRequest",
          details: expect.arrayContaining([
            expect.objectContaining({ target: "properties.dbsToMigrate[0]" }),
            expect.objectContaining({ target: "properties.sslMode" }),
          ]),
        },
      },
    });
  });
});
