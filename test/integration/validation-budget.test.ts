import { afterAll, beforeAll, expect, test } from "vitest";
import { offlineMigration } from "../../local/migration-client.js";
import { migrationKey } from "../../shared/model/migration.js";
import { listValidations } from "../../shared/status/validations.js";
import { loadDatabaseRules, loadServerRules } from "../../shared/validation/load-rules.js";
import { Stage } from "../fixtures/stage.js";

/** With a budget that one rule may use up alone, every activity checks one rule and hands on. */
let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open({
    service: { settings: { ACTIVITY_BUDGET_SECONDS: "60", VALIDATION_RULE_TIMEOUT_SECONDS: "60" } },
  });
  process.env.AzureWebJobsStorage = stage.azurite.connectionString;
  await stage.source.query("create database shop");
});
afterAll(() => stage?.close());

test("a validation that outlasts the activity budget goes on in the next activity, and checks every rule once", async () => {
  const body = offlineMigration(stage.source, stage.target, ["shop"], { migrationOption: "Validate" });
  await stage.client.start("patient", body);
  const { properties } = await stage.client.waitForEnd("patient", { limitSeconds: 100 });
  expect(properties.currentStatus.state).toBe("Succeeded");
  const rules = [...(await loadServerRules()), ...(await loadDatabaseRules())];
  const offline = rules.filter(({ modes }) => modes.includes("Offline")).map(({ id }) => id);
  const rows = await listValidations(migrationKey("target", "patient"));
  expect(rows.map(({ rule }) => rule).sort()).toEqual(offline.sort());
});
