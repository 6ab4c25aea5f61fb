import { afterAll, beforeAll, expect, test } from "vitest";
import { offlineMigration } from "../../local/migration-client.js";
import { Stage } from "../fixtures/stage.js";

let stage: Stage;

const databases = Array.from({ length: 8 }, (_, index) => `crowd_${index + 1}`);

/** Seconds that a keeper of a snapshot lives; it is relayed at half of that. */
const budgetSeconds = 12;

beforeAll(async () => {
  stage = await Stage.open({
    service: {
      instances: 1,
      settings: {
        ACTIVITY_BUDGET_SECONDS: String(budgetSeconds),
        MAX_PARALLEL_INDEX_BUILDS: "4",
        // Each index in an activity of its own.
        PART_SIZE_MB: "0.05",
        AzureFunctionsJobHost__extensions__durableTask__maxConcurrentActivityFunctions: "8",
      },
    },
  });
  for (const database of databases) {
    await stage.source.query(`create database ${database}`);
    await stage.source.query(seed, { database });
  }
});
afterAll(async () => await stage?.close());

/** Indexes that take longer than an activity has, and no processor: so many of them fill every place of the instance. */
const seed = `
  create function slow(id int) returns int language plpgsql immutable as $$
  begin
    if id = 1 and pg_catalog.current_setting('port') <> '0' then perform pg_catalog.pg_sleep(${budgetSeconds + 2}); end if;
    return id;
  end $$;
  create table item (id int primary key, body text);
  insert into item select n, repeat(md5(n::text), 10) from generate_series(1, 400) as n;
  create index item_1 on item (body, id);
`;

/** Made on the target alone, by the migration: on the source they are there already when they are dumped. */
const slowIndexes = "create index item_slow_2 on item (slow(id)); create index item_slow_3 on item (slow(id), body);";

test("eight databases whose long activities fill one instance keep their snapshots", { timeout: 400_000 }, async () => {
  await Promise.all(databases.map((database) => stage.source.query(slowIndexes, { database })));
  await stage.client.start("crowded", offlineMigration(stage.source, stage.target, databases));
  await stage.client.waitForState("crowded", "Succeeded", 360);
  const tables = await stage.client.tables("crowded");
  expect(new Set(tables.map(({ database }) => database)).size).toBe(databases.length);
  // Whoever loses a snapshot begins its copy anew.
  expect([...new Set(tables.flatMap(({ parts }) => parts.map(({ attempt }) => attempt)))]).toEqual([1]);
  for (const database of databases) expect(await stage.differences(database)).toEqual([]);
});
