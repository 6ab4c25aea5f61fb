import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { apiReference } from "../../functions/http/arm/api-reference.js";
import { operations } from "../../functions/http/arm/operation.js";
import { repositoryRoot } from "../../local/repository-root.js";

test("docs/api.md is what the routes and schemas say: npm run build && node scripts/api-docs.mjs brings it up to date", async () => {
  const folder = join(repositoryRoot, "functions/http");
  for (const file of (await readdir(folder)).filter((name) => name.endsWith(".ts")).sort()) {
    await import(join(folder, file));
  }
  const reference = apiReference(operations());
  expect(await readFile(join(repositoryRoot, "docs/api.md"), "utf8")).toBe(reference);
  const undescribed = reference.split("\n").filter((line) => /^\| `[^|]*\|[^|]*\|([^|]*\|)? *\|/.test(line));
  expect(undescribed).toEqual([]);
});
