/**
 * Sequences: set to where the source's are, and bounded as those are now. They are not transactional, so this is done when the source no longer writes. One that
 * cannot be set keeps none of the others from it, and ends no migration: it is told, with the SQL.
 */
import type { ClientBase } from "pg";
import { DatabaseError } from "pg";
import { readBaseObjects } from "../ledger/base-objects.js";
import type { DatabaseStep } from "../model/steps.js";
import { withConnection } from "../postgres/connect.js";
import { qualifiedName, quoteIdentifier, quoteLiteral } from "../postgres/identifiers.js";
import { serverVersion } from "../postgres/source-tables.js";
import { ofNoExtension, userSchema } from "../postgres/user-objects.js";
import { displayName } from "../schema/display-name.js";
import { failureOf } from "./failure-of.js";
import type { MigrationServers } from "./servers.js";
import { addWarnings } from "./warnings.js";

/** Sequences asked for, or set, in one statement. */
const sequencesPerQuery = 200;

/** Sequences have a definition of their own in the catalog from 10 on. */
const hasSequenceCatalog = 100_000;

/**
 * An extension's sequence is the user's when it is registered as configuration, as pg_dump has it, and when it numbers the rows of a table that is:
 * with those rows, the numbers that it would begin with anew are taken.
 */
const userSequences = `
  select
    c.oid::int8::text as oid,
    n.nspname as schema,
    c.relname as name,
    not (${ofNoExtension("pg_class", "c.oid")}) as "ofExtension",
    pg_catalog.has_sequence_privilege(c.oid, 'select') as readable
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.relkind = 'S'
    and c.relpersistence <> 't'
    and ${userSchema("n")}
    and (
      ${ofNoExtension("pg_class", "c.oid")}
      or exists (
        select
        from pg_catalog.pg_extension as e
        where c.oid = any (e.extconfig)
          or exists (
            select
            from pg_catalog.pg_depend as owned
            where owned.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
              and owned.objid = c.oid
              and owned.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
              and owned.refobjsubid > 0
              and owned.deptype in ('a', 'i')
              and owned.refobjid = any (e.extconfig)
          )
      )
    )
  order by n.nspname, c.relname
`;

const definitions = `
  select
    seqrelid::int8::text as oid,
    pg_catalog.format_type(seqtypid, null) as type,
    seqincrement::text as increment,
    seqmin::text as minimum,
    seqmax::text as maximum,
    seqstart::text as start,
    seqcache::text as cache,
    seqcycle as cycle
  from pg_catalog.pg_sequence
  where seqrelid = any ($1::oid[])
`;

interface Definition {
  /** Undefined where the server knows only one. */
  readonly type?: string;
  /** Bigints, as text. */
  readonly increment: string;
  readonly minimum: string;
  readonly maximum: string;
  readonly start: string;
  readonly cache: string;
  readonly cycle: boolean;
}

/** Sequences of the target, and the role to act as where we have rights only as their owner. */
const sequencesOnTarget = `
  select
    c.oid::int8::text as oid,
    n.nspname as schema,
    c.relname as name,
    owner.rolname as owner,
    pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.pg_has_role(c.relowner, 'usage') as ours
  from json_to_recordset($1::json) as wanted (schema text, name text)
  join pg_catalog.pg_namespace as n on n.nspname = wanted.schema
  join pg_catalog.pg_class as c on c.relnamespace = n.oid and c.relname = wanted.name and c.relkind = 'S'
  join pg_catalog.pg_roles as owner on owner.oid = c.relowner
`;

const setValues = `
  select pg_catalog.setval(oid::oid::pg_catalog.regclass, last_value, is_called)
  from json_to_recordset($1::json) as position (oid bigint, last_value bigint, is_called boolean)
`;

interface SourceSequence {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  readonly last_value: string;
  readonly is_called: boolean;
  readonly definition: Definition;
  /** Whether CREATE EXTENSION makes it: by another version it may be made otherwise, and be somebody else's. */
  readonly ofExtension: boolean;
}

interface SequenceToSet {
  readonly source: SourceSequence;
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  /** The role to act as; undefined for our own. */
  readonly role: string | undefined;
  /** SQL that gives it the source's definition; undefined when it has that. */
  readonly alter: string | undefined;
}

/** Sets every sequence of the target database that the source has too. Converges. */
export async function setSequences(servers: MigrationServers, { key, database }: DatabaseStep): Promise<void> {
  const { sequences, unreadable } = await withConnection(servers.source(database, "sequences"), readSequences);
  const warnings = await withConnection(servers.target(database, "sequences"), (target) => setAll(target, sequences));
  await addWarnings(key, database, [
    ...unreadable.map(
      ({ schema, name }) =>
        `Sequence ${displayName(schema, name)} is not set on the target: our user may not read it on the source. Run on the source: GRANT SELECT ON SEQUENCE ` +
        `${qualifiedName(schema, name)} TO ${quoteIdentifier(servers.spec.source.user)}; or set it yourself.`,
    ),
    ...warnings,
  ]);
}

/** @returns what could not be set, with the SQL. */
async function setAll(target: ClientBase, sequences: readonly SourceSequence[]): Promise<string[]> {
  const base = new Map((await readBaseObjects(target))?.map((object) => [object.oid, object.target ?? object]));
  const warnings: string[] = [];
  const version = await serverVersion(target);
  for (let first = 0; first < sequences.length; first += sequencesPerQuery) {
    const some = sequences.slice(first, first + sequencesPerQuery);
    const nameOf = (source: SourceSequence) => base.get(source.oid) ?? source;
    const found = await findOnTarget(target, version, some.map(nameOf));
    const toSet: SequenceToSet[] = [];
    for (const source of some) {
      const { schema, name } = nameOf(source);
      const is = found.get(qualifiedName(schema, name));
      // One made since the snapshot is not in the base; a name that another one of the base bears is that one's.
      const isNew = !source.ofExtension && base.size > 0 && !base.has(source.oid);
      if (is === undefined || isNew) warnings.push(describeMissing(source));
      else toSet.push({ source, oid: is.oid, schema, name, role: is.role, alter: alteration(is, source) });
    }
    for (const [role, ofRole] of byRole(toSet)) warnings.push(...(await setAs(target, role, ofRole)));
  }
  return warnings;
}

async function setAs(
  target: ClientBase,
  role: string | undefined,
  sequences: readonly SequenceToSet[],
): Promise<string[]> {
  await target.query(role === undefined ? "set role none" : `set role ${quoteIdentifier(role)}`).catch(refusalOnly);
  try {
    const altered = sequences.filter(({ alter }) => alter !== undefined);
    const others = sequences.filter(({ alter }) => alter === undefined);
    const alone = (await setTogether(target, others)) ? altered : sequences;
    const warnings: string[] = [];
    for (const sequence of alone) {
      const refusal = await setAlone(target, sequence);
      if (refusal !== undefined) warnings.push(refusal);
    }
    return warnings;
  } finally {
    await target.query("set role none");
  }
}

/** False when the server has refused one of them: then none is set. */
async function setTogether(target: ClientBase, sequences: readonly SequenceToSet[]): Promise<boolean> {
  try {
    const positions = sequences.map(({ oid, source: { last_value, is_called } }) => ({ oid, last_value, is_called }));
    await target.query(setValues, [JSON.stringify(positions)]);
    return true;
  } catch (error) {
    refusalOnly(error);
    return false;
  }
}

async function setAlone(target: ClientBase, sequence: SequenceToSet): Promise<string | undefined> {
  const { source, schema, name, alter } = sequence;
  const set = `SELECT pg_catalog.setval(${quoteLiteral(qualifiedName(schema, name))}, ${source.last_value}, ${source.is_called});`;
  try {
    if (alter !== undefined) await target.query(alter);
    if (await setTogether(target, [sequence])) return undefined;
    await target.query(set);
    return undefined;
  } catch (error) {
    refusalOnly(error);
    const statements = [...(alter === undefined ? [] : [`${alter};`]), set].join(" ");
    return `Sequence ${displayName(schema, name)} is not set on the target (${failureOf(error).message}). Run there, as its owner: ${statements}`;
  }
}

/** @throws what is no answer of the server's: then nothing is known of any sequence */
function refusalOnly(error: unknown): void {
  if (!(error instanceof DatabaseError) || /^(08|57P|53)/.test(error.code ?? "")) throw error;
}

function byRole(sequences: readonly SequenceToSet[]): Map<string | undefined, SequenceToSet[]> {
  const groups = new Map<string | undefined, SequenceToSet[]>();
  for (const sequence of sequences) groups.set(sequence.role, [...(groups.get(sequence.role) ?? []), sequence]);
  return groups;
}

interface TargetSequence {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  readonly role: string | undefined;
  readonly definition: Definition | undefined;
}

async function findOnTarget(
  target: ClientBase,
  version: number,
  names: readonly { schema: string; name: string }[],
): Promise<Map<string, TargetSequence>> {
  const wanted = JSON.stringify(names.map(({ schema, name }) => ({ schema, name })));
  const { rows } = await target.query<{ oid: string; schema: string; name: string; owner: string; ours: boolean }>(
    sequencesOnTarget,
    [wanted],
  );
  const defined = await readDefinitions(target, version, rows);
  return new Map(
    rows.map(({ oid, schema, name, owner, ours }) => [
      qualifiedName(schema, name),
      { oid, schema, name, role: ours ? undefined : owner, definition: defined.get(oid) },
    ]),
  );
}

async function readDefinitions(
  client: ClientBase,
  version: number,
  sequences: readonly { oid: string }[],
): Promise<Map<string, Definition>> {
  if (version < hasSequenceCatalog || sequences.length === 0) return new Map();
  const { rows } = await client.query<Definition & { oid: string }>(definitions, [sequences.map(({ oid }) => oid)]);
  return new Map(rows.map(({ oid, ...definition }) => [oid, definition]));
}

/** A server before 10 counts in bigint alone: what the target was made with stays its type. */
function alteration(
  { definition: is, schema, name }: TargetSequence,
  { definition: wanted, ofExtension }: SourceSequence,
) {
  if (is === undefined || ofExtension) return undefined;
  const type = wanted.type ?? is.type;
  if (JSON.stringify(options({ ...is, type })) === JSON.stringify(options({ ...wanted, type })) && is.type === type) {
    return undefined;
  }
  return `ALTER SEQUENCE ${qualifiedName(schema, name)} ${options({ ...wanted, type }).join(" ")}`;
}

function options(definition: Omit<Definition, "type"> & { readonly type: string | undefined }): string[] {
  const { type, increment, minimum, maximum, start, cache, cycle } = definition;
  return [
    ...(type === undefined ? [] : [`AS ${type}`]),
    `INCREMENT BY ${increment} MINVALUE ${minimum} MAXVALUE ${maximum} START WITH ${start} CACHE ${cache} ${cycle ? "CYCLE" : "NO CYCLE"}`,
  ];
}

function describeMissing(source: SourceSequence): string {
  const { schema, name, definition, last_value, is_called, ofExtension } = source;
  const sequence = qualifiedName(schema, name);
  if (ofExtension) {
    return `Sequence ${displayName(schema, name)} of an extension is not on the target, whose version of the extension makes none: it is not set.`;
  }
  return (
    `Sequence ${displayName(schema, name)} was created on the source after the migration began: it is not migrated. To have it on the target, run there, unless a ` +
    `table that you copy yourself brings it: CREATE SEQUENCE ${sequence} ${options({ ...definition, type: definition.type }).join(" ")}; ` +
    `SELECT pg_catalog.setval(${quoteLiteral(sequence)}, ${last_value}, ${is_called});`
  );
}

interface SourceSequences {
  readonly sequences: readonly SourceSequence[];
  readonly unreadable: readonly { readonly schema: string; readonly name: string }[];
}

/** Reads again when one was dropped between two questions. */
async function readSequences(source: ClientBase): Promise<SourceSequences> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryToRead(source);
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.code !== "42P01" || attempt >= 5) throw error;
    }
  }
}

async function tryToRead(source: ClientBase): Promise<SourceSequences> {
  const version = await serverVersion(source);
  const { rows } = await source.query<{
    oid: string;
    schema: string;
    name: string;
    ofExtension: boolean;
    readable: boolean;
  }>(userSequences);
  const readable = rows.filter((row) => row.readable);
  const sequences: SourceSequence[] = [];
  for (let first = 0; first < readable.length; first += sequencesPerQuery) {
    const some = readable.slice(first, first + sequencesPerQuery);
    const positions = await readPositions(source, version, some);
    const defined = await readDefinitions(source, version, some);
    for (const { oid, schema, name, ofExtension } of some) {
      const position = positions.get(oid);
      if (position === undefined) continue;
      const { last_value, is_called, ...own } = position;
      sequences.push({ oid, schema, name, last_value, is_called, definition: defined.get(oid) ?? own, ofExtension });
    }
  }
  return { sequences, unreadable: rows.filter((row) => !row.readable) };
}

type Position = Pick<SourceSequence, "last_value" | "is_called"> & Omit<Definition, "type">;

/** Before 10 a sequence itself has its definition. */
async function readPositions(
  source: ClientBase,
  version: number,
  sequences: readonly { oid: string; schema: string; name: string }[],
): Promise<Map<string, Position>> {
  const own =
    version < hasSequenceCatalog
      ? `, increment_by::text as increment, min_value::text as minimum, max_value::text as maximum,
         start_value::text as start, cache_value::text as cache, is_cycled as cycle`
      : "";
  const selects = sequences.map(
    ({ oid, schema, name }) =>
      `select ${quoteLiteral(oid)}::text as oid, last_value::text, is_called ${own} from ${qualifiedName(schema, name)}`,
  );
  const { rows } = await source.query<Position & { oid: string }>(selects.join(" union all "));
  return new Map(rows.map(({ oid, ...position }) => [oid, position]));
}
