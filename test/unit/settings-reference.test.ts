import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { repositoryRoot } from "../../local/repository-root.js";
import { withSettingsTable } from "../../scripts/settings-table.mjs";
import { settingsSchema } from "../../shared/settings-schema.js";

test("docs/settings.md is what the schema says: npm run build && npm run docs brings it up to date", async () => {
  const reference = await readFile(join(repositoryRoot, "docs/settings.md"), "utf8");
  expect(withSettingsTable(reference, settingsSchema)).toBe(reference);
});

test("local.settings.sample.json names no setting that there is not", async () => {
  const sample = JSON.parse(await readFile(join(repositoryRoot, "local.settings.sample.json"), "utf8"));
  const hosts = new Set(["FUNCTIONS_WORKER_RUNTIME"]);
  const unknown = Object.keys(sample.Values).filter((name) => !hosts.has(name) && !(name in settingsSchema.shape));
  expect(unknown).toEqual([]);
});
