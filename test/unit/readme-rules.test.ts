import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { repositoryRoot } from "../../local/repository-root.js";
import { withRulesTable } from "../../shared/validation/rules-table.js";

test("README.md lists the rules as they are: npm run build && node scripts/rules-table.mjs brings it up to date", async () => {
  const readme = await readFile(join(repositoryRoot, "README.md"), "utf8");
  expect(await withRulesTable(readme)).toBe(readme);
});
