import { expect, test } from "vitest";
import { loadDatabaseRules, loadServerRules } from "../../shared/validation/load-rules.js";

test("every file in rules/server and rules/database is a rule: gates first, then by id", async () => {
  for (const rules of [await loadServerRules(), await loadDatabaseRules()]) {
    const gates = rules.filter(({ gate }) => gate).map(({ id }) => id);
    const others = rules.filter(({ gate }) => !gate).map(({ id }) => id);
    expect(gates).toHaveLength(1);
    expect(rules.map(({ id }) => id)).toEqual([...gates.sort(), ...others.sort()]);
  }
});

test("no rule's id is that of another, whatever its scope", async () => {
  const ids = [...(await loadServerRules()), ...(await loadDatabaseRules())].map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});
