/**
 * Our schema in the target database: what is to be done, and the ledger of what has been. It is created with the database, holds
 * what the activities tell each other, and is dropped when the database is done.
 *
 * - `migration`: one row, whose copy this is: a run is migration key + attempt.
 * - `plan`: one row when the plan is complete; `round` and `job`: what the orchestrations ask for by number.
 * - `part`: what is to be copied, and how far each part is (progress, for people; written outside the loading transaction).
 * - `proof`: what each server has said of the rows of each part, and how far it is; the verdicts are in `part`.
 * - `ledger`: what has been loaded: written in the transaction that loads the rows (design invariant 3), so it is never wrong.
 * - `base_object`: the source's tables and sequences in the snapshot, by OID: see base-objects.ts.
 * - `statement_ledger`: the schema's statements that have been carried out, likewise written in their own transaction.
 */
import type { ClientBase } from "pg";
import { silenceEventTriggers } from "../postgres/event-triggers.js";
import { firstLedgerName, forgetLedger, ledgerOf, listLedgers, named } from "./ledger-name.js";

const createLedgerSchema = `
  create schema if not exists _pgmig;

  create table if not exists _pgmig.migration (
    run text primary key
  );

  create table if not exists _pgmig.part (
    id integer primary key,
    task integer not null,
    kind text not null,
    schema_name text not null,
    table_name text not null,
    part integer not null,
    parts integer not null,
    first_block bigint,
    end_block bigint,
    columns text[] not null,
    row_filter text,
    encoding text not null,
    bytes_estimated bigint not null,
    state text not null default 'queued',
    rows bigint not null default 0,
    bytes bigint not null default 0,
    instance text,
    error text,
    started_at timestamptz,
    ended_at timestamptz,
    root_schema text,
    root_table text,
    fixed_values json,
    verified text,
    checksum text
  );
  create index if not exists part_task on _pgmig.part (task);

  create table if not exists _pgmig.ledger (
    part_id integer primary key,
    rows bigint not null default 0,
    bytes bigint not null default 0,
    instance text not null,
    finished_at timestamptz not null default now()
  );

  create table if not exists _pgmig.proof (
    part_id integer,
    side text,
    pieces integer not null,
    next_piece integer not null,
    end_block bigint,
    rows bigint not null,
    checksum numeric,
    done boolean not null,
    primary key (part_id, side)
  );

  create table if not exists _pgmig.job (
    job integer primary key,
    phase text not null,
    content json not null
  );

  create table if not exists _pgmig.round (
    round integer primary key,
    content json not null
  );

  create table if not exists _pgmig.plan (
    complete boolean primary key default true,
    content json not null
  );

  create table if not exists _pgmig.base_object (
    kind text,
    oid bigint,
    schema_name text not null,
    name text not null,
    publication text,
    target_oid oid,
    primary key (kind, oid)
  );

  create table if not exists _pgmig.statement_ledger (
    id text primary key,
    object text not null,
    instance text not null,
    finished_at timestamptz not null default now()
  );
`;

/**
 * Creates the ledger in a database of the target, marked as the given run's. Converges when run again.
 * @param name see freeLedgerName()
 */
export async function createLedger(target: ClientBase, run: string, name = firstLedgerName): Promise<void> {
  await target.query("begin");
  await target.query(named(createLedgerSchema, name));
  await target.query(named("insert into _pgmig.migration (run) values ($1) on conflict do nothing", name), [run]);
  await target.query("commit");
}

/** Whether the database has a ledger: it has none before it is created, and none once it is done. */
export async function hasLedger(target: ClientBase): Promise<boolean> {
  return (await listLedgers(target)).length > 0;
}

/** Drops the ledger: the database is done, and shows no trace of us. */
export async function dropLedger(target: ClientBase): Promise<void> {
  const ledger = await ledgerOf(target);
  if (ledger === undefined) return;
  await silenceEventTriggers(target);
  await target.query("set client_min_messages = error");
  await target.query(named("drop schema if exists _pgmig cascade", ledger));
  forgetLedger(target);
}
