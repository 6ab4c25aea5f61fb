import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { availableMajors } from "../../local/server-binaries.js";
import { loadDatabaseRules } from "../../shared/validation/load-rules.js";
import { stateOf } from "../../shared/validation/rule.js";
import { RuleBench } from "../fixtures/rule-bench.js";

// What most databases have in them, owned by the migration's user, and nothing that any rule is against.
const ordinaryDatabase = `
  alter table public.ordinary owner to mover;
  create schema shop authorization mover;
  set role mover;
  create type shop.state as enum ('new', 'paid');
  create domain shop.amount as numeric(10, 2) check (value >= 0);
  create table shop.customers (id integer primary key, name text collate "C" not null, tags text[], doc jsonb);
  create table shop.orders (
    id bigint primary key, customer integer not null references shop.customers, state shop.state, total shop.amount, placed timestamptz
  );
  create index orders_by_customer on shop.orders (customer) where state = 'new';
  create table shop.events (id integer, at date, primary key (id, at)) partition by range (at);
  create table shop.events_2024 partition of shop.events for values from ('2024-01-01') to ('2025-01-01');
  create view shop.open_orders as select * from shop.orders where state = 'new';
  create materialized view shop.totals as select customer, sum(total) as total from shop.orders group by customer;
  create function shop.touch() returns trigger language plpgsql as 'begin return new; end';
  create trigger touch before update on shop.orders for each row execute procedure shop.touch();
  create aggregate shop.longest (text) (sfunc = textcat, stype = text);
  insert into shop.customers select n, 'customer ' || n from generate_series(1, 100) as n;
`;

// The oldest source and the newest one. 18 is where every rule's query has to do with a catalog as young as the target's.
describe.each(availableMajors().filter((major) => major !== 17))("from %i to 18", (major) => {
  let bench: RuleBench;
  beforeAll(async () => {
    bench = await RuleBench.start({ major }, { major: 18 });
  });
  afterAll(() => bench?.stop());

  test("an ordinary database passes every rule, as an ordinary user of both servers", async () => {
    const database = await bench.newDatabase();
    await bench.source.query(`alter database "${database}" owner to mover`);
    await bench.plant(ordinaryDatabase, database);
    const objections: string[] = [];
    for (const rule of await loadDatabaseRules()) {
      const findings = await bench.check(rule, { database, mode: "Online", sourceUser: "ordinary" });
      if (stateOf(findings) !== "Succeeded") objections.push(`${rule.id}: ${findings[0]?.message}`);
    }
    expect(objections).toEqual([]);
  });
});
