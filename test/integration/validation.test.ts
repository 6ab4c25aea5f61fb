import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { offlineMigration } from "../fixtures/migration-client.js";
import { Stage } from "../fixtures/stage.js";

let stage: Stage;

beforeAll(async () => {
  stage = await Stage.open();
  await stage.source.query("create database shop");
  await stage.source.query(
    "create table orders (id integer primary key); insert into orders select generate_series(1, 100)",
    {
      database: "shop",
    },
  );
});
afterAll(() => stage?.close());

interface Details {
  status?: string;
  validationStartTimeInUtc?: string;
  validationEndTimeInUtc?: string;
  serverLevelValidationDetails: { type: string; state: string; messages: { state: string; message: string }[] }[];
  dbLevelValidationDetails: { databaseName: string; summary: Details["serverLevelValidationDetails"] }[];
}

async function validate(name: string, databases: string[], properties: Record<string, unknown> = {}) {
  await stage.client.start(
    name,
    offlineMigration(stage.source, stage.target, databases, { migrationOption: "Validate", ...properties }),
  );
  const { properties: ended } = await stage.client.waitForEnd(name);
  const details = (ended.currentStatus.currentSubStateDetails as { validationDetails?: Details }).validationDetails;
  return { ...ended.currentStatus, details };
}

function messagesOf(details: Details | undefined, state: string): string[] {
  const items = [
    ...(details?.serverLevelValidationDetails ?? []),
    ...(details?.dbLevelValidationDetails ?? []).flatMap(({ summary }) => summary),
  ];
  return items.flatMap(({ messages }) => messages.filter((one) => one.state === state).map(({ message }) => message));
}

describe("option Validate", () => {
  test("of a database that can be migrated succeeds, and creates nothing", async () => {
    const { state } = await validate("fine", ["shop"]);
    expect(state).toBe("Succeeded");
    expect(await stage.target.query("select from pg_database where datname = 'shop'")).toEqual([]);
  });

  test("of a missing database ends ValidationFailed and says which", async () => {
    const { state, error, details } = await validate("missing", ["shop", "shopp"]);
    expect(state).toBe("ValidationFailed");
    expect(error).toContain("1 rule of database shopp");
    expect(details?.dbLevelValidationDetails.map(({ databaseName }) => databaseName).sort()).toEqual(["shop", "shopp"]);
    expect(messagesOf(details, "Failed")).toEqual([expect.stringContaining("has no database shopp.")]);
  });
});
