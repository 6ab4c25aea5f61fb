import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { program } from "../../cli/src/program.js";
import { reference } from "../../cli/src/reference.js";
import { repositoryRoot } from "../../local/repository-root.js";

test("docs/cli.md is what the commands say: npm run build && node scripts/cli-reference.mjs brings it up to date", async () => {
  expect(await readFile(join(repositoryRoot, "docs/cli.md"), "utf8")).toBe(reference(program("")));
});
