import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repositoryRoot } from "../../local/repository-root.js";
import { contractProblem } from "../fixtures/arm-contract.js";

const path = "/subscriptions/s/resourceGroups/g/providers/Microsoft.DBforPostgreSQL/flexibleServers/t/migrations";
const url = `http://127.0.0.1${path}/m`;

function migration(database: object = {}, properties: object = {}) {
  return {
    id: `${path}/m`,
    name: "m",
    type: "Microsoft.DBforPostgreSQL/flexibleServers/migrations",
    location: "local",
    tags: {},
    properties: {
      currentStatus: { state: "InProgress", currentSubStateDetails: { dbDetails: { shop: database } } },
      ...properties,
    },
  };
}

describe("the contract", () => {
  const problem = (body: object) => contractProblem("GET", url, 200, JSON.stringify(body));

  it("takes what the specification allows", () => {
    expect(problem(migration({ latency: 34, startedOn: "2030-01-01T00:00:00.123Z" }))).toBeUndefined();
  });

  it.each([
    ["a fraction where an int32 is meant", migration({ latency: 34.3 })],
    ["more than an int32", migration({ incomingChanges: 2_147_483_648 })],
    ["null", migration({ message: null })],
    ["a field that the specification has not", migration({ latencySeconds: 1 })],
    ["a state that there is not", migration({ migrationState: "Queued" })],
    ["a time without zone", migration({ startedOn: "2030-01-01T00:00:00" })],
    ["a Boolean for a two-valued string", migration({}, { cancel: true })],
    ["a secret", migration({}, { secretParameters: {} })],
  ])("refuses %s", (_, body) => {
    expect(problem(body)).toBeDefined();
    expect(contractProblem("GET", `http://127.0.0.1${path}`, 200, JSON.stringify({ value: [body] }))).toBeDefined();
  });

  it("refuses statuses without a body in them, and errors in another shape", () => {
    expect(contractProblem("GET", url, 202, "{}")).toBeDefined();
    expect(contractProblem("DELETE", url, 204, "")).toBeUndefined();
    expect(contractProblem("DELETE", url, 204, "{}")).toBeDefined();
    expect(contractProblem("GET", url, 404, "")).toBeDefined();
    expect(contractProblem("GET", url, 404, '{"error":{"code":"X","message":"m","details":[]}}')).toBeUndefined();
  });
});

describe("its field list", () => {
  it("is the one that Microsoft's client was generated from", async () => {
    const mappers = (await import(
      join(repositoryRoot, "node_modules/@azure/arm-postgresql-flexible/dist/esm/models/mappers.js")
    )) as Record<string, { type: { modelProperties: Record<string, { serializedName: string }> } }>;
    const source = await readFile(join(repositoryRoot, "test/fixtures/arm-contract.ts"), "utf8");
    const models = [
      "Migration",
      "MigrationStatus",
      "MigrationSubstateDetails",
      "DatabaseMigrationState",
      "ValidationDetails",
      "ValidationSummaryItem",
      "ValidationMessage",
      "DbLevelValidationStatus",
      "DbServerMetadata",
      "MigrationNameAvailability",
    ];
    const fields = models.flatMap((model) =>
      Object.values(mappers[model]?.type.modelProperties ?? {}).map(({ serializedName }) =>
        serializedName.replace("properties\\.", "").replace("properties.", ""),
      ),
    );
    expect(fields.length).toBeGreaterThan(70);
    const missing = fields.filter((field) => !new RegExp(`\\b${field}\\b`).test(source));
    expect(missing).toEqual(["secretParameters"]);
  });
});
