import { expect, test } from "vitest";
import { loadServerRules } from "../../shared/validation/load-rules.js";

test("every file in rules/server is a rule, in the order of its id", async () => {
  const ids = (await loadServerRules()).map(({ id }) => id);
  expect(ids).toContain("server-versions");
  expect(ids).toEqual([...ids].sort());
});
