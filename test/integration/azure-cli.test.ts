import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AzureCli, hasAzureCli } from "../fixtures/azure-cli.js";
import { openOnlineStage } from "../fixtures/online-stage.js";
import type { Stage } from "../fixtures/stage.js";

/** Microsoft's command line as Debian packages it, driven as an operator would; skipped where it is not installed. */
let stage: Stage;
let cli: AzureCli;
const migration = ["postgres", "flexible-server", "migration"];
const target = ["--resource-group", "cli-group", "--name", "cli-target"];

beforeAll(async () => {
  if (!hasAzureCli) return;
  stage = await openOnlineStage();
  await stage.source.query("create database shop");
  await stage.source.query("create table orders (id integer primary key)", { database: "shop" });
  cli = await AzureCli.open(stage.service.url);
}, 180_000);
afterAll(async () => {
  await cli?.close();
  await stage?.close();
});

describe.skipIf(!hasAzureCli)("azure-cli, unmodified", { timeout: 600_000 }, () => {
  it("registers the service as a cloud and signs in", async () => {
    const endpoints = [
      ...["--endpoint-resource-manager", cli.endpoint, "--endpoint-active-directory", cli.endpoint],
      ...["--endpoint-active-directory-resource-id", cli.endpoint, "--endpoint-gallery", cli.endpoint],
      ...["--endpoint-active-directory-graph-resource-id", cli.endpoint, "--endpoint-management", cli.endpoint],
    ];
    await cli.az("cloud", "register", "--name", "Migrations", ...endpoints);
    await cli.az("cloud", "set", "--name", "Migrations");
    const accounts = await cli.az("login", "--identity");
    expect(accounts).toEqual([
      expect.objectContaining({ id: "00000000-0000-0000-0000-000000000000", state: "Enabled" }),
    ]);
  });

  it("finds the group, the provider and the server before the first migration", async () => {
    expect(await cli.az("group", "show", "--name", "cli-group")).toMatchObject({ name: "cli-group" });
    expect(await cli.az("group", "exists", "--name", "cli-group")).toBe(true);
    expect(await cli.az("provider", "show", "--namespace", "Microsoft.DBforPostgreSQL")).toMatchObject({
      registrationState: "Registered",
    });
    expect(await cli.az("postgres", "flexible-server", "show", ...target)).toMatchObject({
      name: "cli-target",
      fullyQualifiedDomainName: "cli-target.postgres.database.azure.com",
      state: "Ready",
    });
  });

  it("checks a name, creates, shows, lists, cancels", async () => {
    const name = ["--migration-name", "first"];
    expect(await cli.az(...migration, "check-name-availability", ...target, ...name)).toMatchObject({
      nameAvailable: true,
    });
    const file = await cli.file("migration.json", {
      properties: {
        SourceDBServerResourceId: `127.0.0.1:${stage.source.port}@${stage.source.user}`,
        SourceType: "OnPremises",
        SslMode: "Prefer",
        TargetDBServerFullyQualifiedDomainName: `127.0.0.1:${stage.target.port}`,
        SecretParameters: {
          AdminCredentials: {
            SourceServerPassword: stage.source.password,
            TargetServerPassword: stage.target.password,
          },
          TargetServerUsername: stage.target.user,
        },
        MigrationResourceGroup: { ResourceId: "x", SubnetResourceId: "y" },
        DBsToMigrate: ["shop"],
        OverwriteDBsInTarget: "true",
        StartDataMigration: "false",
      },
    });
    expect(await cli.az(...migration, "create", ...target, ...name, "--properties", file)).toMatchObject({
      name: "first",
      properties: { migrationMode: "Offline", dbsToMigrate: ["shop"], currentStatus: { state: "InProgress" } },
    });
    await stageHolds("first");
    expect(await cli.az(...migration, "show", ...target, ...name)).toMatchObject({
      properties: {
        currentStatus: { currentSubStateDetails: { currentSubState: "WaitingForDataMigrationScheduling" } },
      },
    });
    expect(await cli.az(...migration, "list", ...target)).toMatchObject({ value: [{ name: "first" }] });
    expect(await cli.az(...migration, "check-name-availability", ...target, ...name)).toMatchObject({
      nameAvailable: false,
      reason: "AlreadyExists",
    });
    expect(await cli.az(...migration, "update", ...target, ...name, "--cancel")).toMatchObject({
      properties: { cancel: "True" },
    });
    await expect.poll(() => stateOf("first"), { timeout: 60_000 }).toBe("Canceled");
    expect(await cli.az(...migration, "list", ...target)).toMatchObject({ value: [] });
    expect(await cli.az(...migration, "list", ...target, "--filter", "All")).toMatchObject({
      value: [{ name: "first" }],
    });
  });

  it("cuts an online migration over with update --cutover", async () => {
    const name = ["--migration-name", "live"];
    const file = await cli.file("live.json", {
      properties: {
        MigrationMode: "Online",
        SourceDBServerResourceId: `127.0.0.1:${stage.source.port}@${stage.source.user}`,
        SourceType: "OnPremises",
        SslMode: "Prefer",
        TargetDBServerFullyQualifiedDomainName: `127.0.0.1:${stage.target.port}`,
        SecretParameters: {
          AdminCredentials: {
            SourceServerPassword: stage.source.password,
            TargetServerPassword: stage.target.password,
          },
          TargetServerUsername: stage.target.user,
        },
        DBsToMigrate: ["shop"],
        OverwriteDBsInTarget: "true",
      },
    });
    await cli.az(...migration, "create", ...target, ...name, "--properties", file, "--migration-mode", "online");
    const substate = async () => (await read("live")).properties.currentStatus.currentSubStateDetails.currentSubState;
    await expect.poll(substate, { timeout: 120_000, interval: 500 }).toBe("WaitingForCutoverTrigger");
    await stage.source.query("insert into orders values (1)", { database: "shop" });
    expect(await cli.az(...migration, "update", ...target, ...name, "--cutover")).toMatchObject({
      properties: { triggerCutover: "True" },
    });
    await expect.poll(() => stateOf("live"), { timeout: 120_000, interval: 500 }).toBe("Succeeded");
    expect(await stage.differences("shop")).toEqual([]);
  });

  it("says what the service says when it is refused", async () => {
    const unknown = cli.az(...migration, "show", ...target, "--migration-name", "unknown");
    await expect(unknown).rejects.toThrow(/has no migration unknown/);
    const offline = cli.az(...migration, "update", ...target, "--migration-name", "first", "--cutover");
    await expect(offline).rejects.toThrow(/Cutover is not possible/);
  });

  it("asked with the version of its time", () => {
    expect(cli.requests.filter((one) => one.includes("api-version=2022-05-01-privatepreview")).length).toBeGreaterThan(
      5,
    );
  });
});

async function read(name: string) {
  const path = "providers/Microsoft.DBforPostgreSQL/flexibleServers/cli-target/migrations";
  const group = "subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/cli-group";
  const response = await fetch(`${stage.service.url}/${group}/${path}/${name}`);
  return (await response.json()) as {
    properties: { currentStatus: { state: string; currentSubStateDetails: { currentSubState: string } } };
  };
}

async function stateOf(name: string): Promise<string> {
  return (await read(name)).properties.currentStatus.state;
}

async function stageHolds(name: string): Promise<void> {
  const substate = async () => (await read(name)).properties.currentStatus.currentSubStateDetails.currentSubState;
  await expect.poll(substate, { timeout: 60_000 }).toBe("WaitingForDataMigrationScheduling");
}
