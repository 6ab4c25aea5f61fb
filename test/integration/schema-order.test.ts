import { afterAll, beforeAll, expect, test } from "vitest";
import { EmbeddedServer } from "../../local/embedded-server.js";
import { runDetached } from "../../shared/ledger/detached-statement.js";
import type { ConnectOptions } from "../../shared/postgres/connect.js";
import { listMaterializedViews } from "../../shared/schema/list-materialized-views.js";
import { planSchema } from "../../shared/schema/schema-plan.js";

let server: EmbeddedServer;
beforeAll(async () => {
  server = await EmbeddedServer.start({ major: 17 });
});
afterAll(async () => {
  await server.stop();
});

test("materialized views come after what they read, through views and whatever their names; empty ones not at all", async () => {
  await server.query("create database views");
  await server.query(
    `create schema "z ""Z";
    create materialized view "z ""Z"."4 base" as select 1 as x;
    create view public.through as select x from "z ""Z"."4 base";
    create view public.again as select x from public.through union select 2;
    create materialized view public."3 over views" as select x from public.again;
    create materialized view public."2 over both" as
      select b.x from "z ""Z"."4 base" as b, public."3 over views";
    create materialized view public."1 top" as select (select max(x) from public."2 over both") as x from public.through;
    create materialized view public."0 empty" as select x from public."1 top" with no data;
    create materialized view public."0 alone" as select 1 as x`,
    { database: "views" },
  );
  const client = await server.connect("views");
  const views = await listMaterializedViews(client);
  await client.end();
  const names = views.map((view) => view.name);
  expect(names.toSorted()).toEqual(["0 alone", "1 top", "2 over both", "3 over views", "4 base"]);
  expect(names.filter((name) => name !== "0 alone")).toEqual(["4 base", "3 over views", "2 over both", "1 top"]);
});

test("foreign keys in a circle are validated side by side, none waiting for another", async () => {
  await server.query("create database circle");
  await server.query(
    `create schema _pgmig;
    create table _pgmig.statement_ledger (
      id text primary key, object text not null, instance text not null, finished_at timestamptz default now());
    create table a (id integer primary key, b integer);
    create table b (id integer primary key, a integer);
    insert into a values (1, 1);
    insert into b values (1, 1)`,
    { database: "circle" },
  );
  const key = (from: string, to: string) => ({
    sql: `ALTER TABLE ONLY public.${from}\n    ADD CONSTRAINT ${from}_fk FOREIGN KEY (${to}) REFERENCES public.${to}(id)`,
    kind: "foreignKey" as const,
    object: `constraint ${from}_fk on table public.${from}`,
    roles: [],
    relation: { schema: "public", name: from },
    foreignKey: { name: `${from}_fk`, references: { schema: "public", name: to } },
  });
  const tables = ["a", "b"].map((name) => ({ schema: "public", name, bytes: 1 }));
  const plan = planSchema({ preData: [], postData: [key("a", "b"), key("b", "a")], tables, materializedViews: [] });
  for (const { sql } of plan.rest.flatMap((group) => group.statements)) await server.query(sql, { database: "circle" });

  // A transaction that has validated one key and stays open must not keep anybody from validating the other.
  const [first, second] = plan.foreignKeys.flatMap((table) => table.statements);
  const open = await server.connect("circle");
  await open.query(`begin; ${first?.sql}`);
  const connection: ConnectOptions = {
    endpoint: { host: server.host, port: server.port, user: server.user, sslMode: "Prefer" },
    password: server.password,
    database: "circle",
    applicationName: "migration circle~00000000 schema",
  };
  const statement = second ?? { id: "", sql: "", object: "" };
  expect(await runDetached(connection, statement, { deadlineMs: 20_000, instance: "test" })).toBe("done");
  await open.query("commit");
  await open.end();
  expect(
    await server.query("select conname, convalidated from pg_constraint where contype = 'f' order by conname", {
      database: "circle",
    }),
  ).toEqual([
    { conname: "a_fk", convalidated: true },
    { conname: "b_fk", convalidated: true },
  ]);
});
