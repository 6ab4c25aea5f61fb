import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { readSettings } from "../../shared/settings.js";

describe("settings", () => {
  it("have Azure-like defaults when the environment is empty", () => {
    expect(readSettings({ MAX_PARALLEL_COPIES: "" })).toMatchObject({
      partSizeBytes: 256 * 1024 * 1024,
      maxParallelCopies: 4,
      maxParallelIndexBuilds: 2,
      activityBudgetSeconds: 300,
      migrationTimeoutDays: 7,
      cutoverTimeoutDays: 3,
    });
  });

  it("take decimals for sizes and times, and whole numbers only for counts", () => {
    const settings = readSettings({
      PART_SIZE_MB: "0.5",
      MIGRATION_TIMEOUT_DAYS: "0.001",
      ACTIVITY_BUDGET_SECONDS: "2.5",
    });
    expect(settings).toMatchObject({ partSizeBytes: 524_288, migrationTimeoutDays: 0.001, activityBudgetSeconds: 2.5 });
    expect(() => readSettings({ MAX_PARALLEL_COPIES: "1.5" })).toThrow(/MAX_PARALLEL_COPIES must be a whole number/);
  });

  it("name every wrong setting and how to write it", () => {
    expect(() =>
      readSettings({ PART_SIZE_MB: "big", MAX_PARALLEL_COPIES: "0", ACTIVITY_BUDGET_SECONDS: "-1" }),
    ).toThrow(/PART_SIZE_MB .*MAX_PARALLEL_COPIES .*ACTIVITY_BUDGET_SECONDS /);
  });

  it("miss a storage account or key only when they are needed, and then say what to set", () => {
    const settings = readSettings({});
    expect(() => settings.storageConnection).toThrow(/Set AzureWebJobsStorage/);
    expect(() => settings.secretsKeys).toThrow(/Set SECRETS_KEY/);
  });

  it("reach the storage account with an identity where there is no connection string", () => {
    expect(readSettings({ AzureWebJobsStorage__accountName: "acc" }).storageConnection).toEqual({
      kind: "identity",
      tableServiceUri: "https://acc.table.core.windows.net",
      queueServiceUri: "https://acc.queue.core.windows.net",
      clientId: undefined,
    });
  });

  it("never show a key that is wrong", () => {
    const short = randomBytes(16).toString("base64");
    const read = () => readSettings({ SECRETS_KEY: short }).secretsKeys;
    expect(read).toThrow(/SECRETS_KEY must be the base64 of 32 bytes/);
    expect(read).not.toThrow(short);
  });

  it("list the current key before the previous ones", () => {
    const [current, older, oldest] = [randomBytes(32), randomBytes(32), randomBytes(32)];
    const previous = `${older.toString("base64")}, ${oldest.toString("base64")}`;
    const keys = readSettings({ SECRETS_KEY: current.toString("base64"), SECRETS_KEYS_PREVIOUS: previous }).secretsKeys;
    expect(keys).toEqual([current, older, oldest]);
  });
});
