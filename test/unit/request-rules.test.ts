import { describe, expect, it } from "vitest";
import { parseMigrationCommand } from "../../shared/model/migration-command.js";
import { tableState } from "../../shared/requests/list-tables.js";
import { checkPreconditions } from "../../shared/requests/preconditions.js";
import { validationDetails } from "../../shared/requests/validation-details.js";
import type { ValidationRow } from "../../shared/status/validations.js";

describe("preconditions", () => {
  const etag = `W/"datetime'2030-01-01T00%3A00%3A00Z'"`;

  it.each([
    [{}, etag],
    [{}, undefined],
    [{ ifMatch: etag }, etag],
    [{ ifMatch: `"other", ${etag}` }, etag],
    [{ ifMatch: "*" }, etag],
    [{ ifNoneMatch: "*" }, undefined],
    [{ ifNoneMatch: '"other"' }, etag],
  ])("%j hold for %s", (conditions, current) => {
    expect(() => checkPreconditions(conditions, current)).not.toThrow();
  });

  it.each([
    [{ ifMatch: '"other"' }, etag],
    [{ ifMatch: "*" }, undefined],
    [{ ifMatch: etag }, undefined],
    [{ ifNoneMatch: "*" }, etag],
    [{ ifNoneMatch: etag }, etag],
  ])("%j do not hold for %s", (conditions, current) => {
    expect(() => checkPreconditions(conditions, current)).toThrow(expect.objectContaining({ status: 412 }));
  });
});

describe("a table's state", () => {
  it.each([
    [["queued", "queued"], "queued"],
    [["queued", "loading"], "loading"],
    [["completed", "queued"], "loading"],
    [["completed", "completed"], "completed"],
    [["completed", "errored", "queued"], "errored"],
  ] as const)("of parts %j is %s", (parts, state) => {
    expect(tableState(parts)).toBe(state);
  });
});

describe("a command from the queue", () => {
  it("is read as text or as the JSON that a host made of it", () => {
    const message = { migration: { server: "s", name: "n" }, command: "cutover", databases: ["a"] };
    const parsed = { migration: { server: "s", name: "n" }, command: "Cutover", databases: ["a"] };
    expect(parseMigrationCommand(message)).toEqual(parsed);
    expect(parseMigrationCommand(JSON.stringify(message))).toEqual(parsed);
  });

  it.each([
    ["nonsense", "JSON object"],
    [[], "JSON object"],
    [{}, "migration is missing: .*command is missing"],
    [{ migration: { server: "s" }, command: "Cancel" }, "migration.name is missing"],
    [{ migration: { server: "s", name: "n" }, command: "Drop" }, 'command must be one of "Cutover"'],
    [{ migration: { server: "s", name: "n" }, command: "Cancel", databases: "a" }, "databases must be a list"],
    [{ migration: { server: "s", name: "n" }, command: "Cancel", dbs: [] }, "dbs is not a known property"],
  ])("%j is refused with its reason and an example", (message, reason) => {
    expect(() => parseMigrationCommand(message)).toThrow(new RegExp(reason));
    expect(() => parseMigrationCommand(message)).toThrow(/"command": "Cutover"/);
  });
});

describe("validation details", () => {
  it("sum up rules by server and database, the worst state on top", () => {
    const row = (changes: Partial<ValidationRow>): ValidationRow => ({
      level: "database",
      database: "shop",
      rule: "r",
      title: "Rule",
      state: "Succeeded",
      durationMs: 1,
      messages: [],
      startedOn: "2030-01-01T00:00:01.000Z",
      endedOn: "2030-01-01T00:00:02.000Z",
      ...changes,
    });
    const rows = [
      row({ level: "server", database: undefined, endedOn: "2030-01-01T00:00:09.000Z" }),
      row({ state: "Warning", messages: [{ state: "Warning", message: "m" }] }),
      row({ database: "other", startedOn: "2030-01-01T00:00:00.000Z" }),
    ];
    expect(validationDetails(rows, "complete")).toMatchObject({
      status: "Warning",
      validationStartTimeInUtc: "2030-01-01T00:00:00.000Z",
      validationEndTimeInUtc: "2030-01-01T00:00:09.000Z",
      serverLevelValidationDetails: [{ type: "Rule", state: "Succeeded" }],
      dbLevelValidationDetails: [
        { databaseName: "shop", summary: [{ state: "Warning", messages: [{ state: "Warning", message: "m" }] }] },
        { databaseName: "other", summary: [{ state: "Succeeded" }] },
      ],
    });
    expect(validationDetails([], "complete")).toBeUndefined();
    const checking = validationDetails(rows, "checking");
    expect([checking?.status, checking?.validationEndTimeInUtc]).toEqual([undefined, undefined]);
    expect(checking?.dbLevelValidationDetails?.map(({ endedOn }) => endedOn)).toEqual([undefined, undefined]);
    const interrupted = validationDetails(rows.slice(0, 1), "interrupted");
    expect(interrupted).toMatchObject({ status: "Warning" });
    expect(interrupted?.serverLevelValidationDetails?.[0]?.messages?.[0]?.message).toMatch(
      /before every rule was checked/,
    );
  });
});
