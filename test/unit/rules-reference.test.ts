import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { repositoryRoot } from "../../local/repository-root.js";
import { withRulesTable } from "../../scripts/rules-table.mjs";
import { loadDatabaseRules, loadServerRules } from "../../shared/validation/load-rules.js";

test("docs/validation-rules.md lists the rules as they are: npm run build && npm run docs brings it up to date", async () => {
  const reference = await readFile(join(repositoryRoot, "docs/validation-rules.md"), "utf8");
  const rules = [...(await loadServerRules()), ...(await loadDatabaseRules())];
  expect(withRulesTable(reference, rules)).toBe(reference);
});
