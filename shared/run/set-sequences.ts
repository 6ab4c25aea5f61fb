/** Sequences: set to where the source's are. They are not transactional, so this is done when the source no longer writes. */
import type { ClientBase } from "pg";
import { withConnection } from "../postgres/connect.js";
import { qualifiedName, quoteIdentifier, quoteLiteral } from "../postgres/identifiers.js";
import { ofNoExtension, userSchema } from "../postgres/user-objects.js";
import { isRefusal } from "../schema/unapplied-statement.js";
import type { MigrationServers } from "./servers.js";
import { addWarnings } from "./warnings.js";

/** Sequences asked for in one statement. */
const sequencesPerQuery = 200;

/**
 * An extension's sequence is the user's when it is registered as configuration, as pg_dump has it, and when it numbers the rows of a table that is:
 * with those rows, the numbers that it would begin with anew are taken.
 */
const userSequences = `
  select
    n.nspname as schema,
    c.relname as name,
    not (${ofNoExtension("pg_class", "c.oid")}) as "ofExtension"
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

/** Sequences that have been given to roles whose rights we have only as them. */
const ownersToBe = `
  select n.nspname as schema, c.relname as name, owner.rolname as role
  from json_to_recordset($1::json) as position (schema text, name text)
  join pg_catalog.pg_namespace as n on n.nspname = position.schema
  join pg_catalog.pg_class as c on c.relnamespace = n.oid and c.relname = position.name
  join pg_catalog.pg_roles as owner on owner.oid = c.relowner
  where not (
    pg_catalog.has_schema_privilege(n.oid, 'usage')
    and case when c.relkind = 'S' then pg_catalog.has_sequence_privilege(c.oid, 'update') else false end
  )
`;

const setValues = `
  select pg_catalog.setval(pg_catalog.format('%I.%I', schema, name)::pg_catalog.regclass, last_value, is_called)
  from json_to_recordset($1::json) as position (schema text, name text, last_value bigint, is_called boolean)
`;

interface SequencePosition {
  readonly schema: string;
  readonly name: string;
  /** A bigint, as text. */
  readonly last_value: string;
  readonly is_called: boolean;
  /** Whether CREATE EXTENSION makes it: by another version it may be made otherwise, and be somebody else's. */
  readonly ofExtension: boolean;
}

/** Sets every sequence of the target database to the source's current position, as whoever may. Converges. */
export async function setSequences(servers: MigrationServers, database: string): Promise<void> {
  const positions = await withConnection(servers.source(database, "sequences"), readPositions);
  const ofExtensions = positions.filter(({ ofExtension }) => ofExtension);
  const left = await withConnection(servers.target(database, "sequences"), async (target) => {
    await setPositions(
      target,
      positions.filter(({ ofExtension }) => !ofExtension),
    );
    return await setOfExtensions(target, ofExtensions);
  });
  await addWarnings(servers.spec.key, database, left);
}

async function setPositions(target: ClientBase, positions: readonly SequencePosition[]): Promise<void> {
  for (let first = 0; first < positions.length; first += sequencesPerQuery) {
    const some = positions.slice(first, first + sequencesPerQuery);
    for (const [role, ofRole] of await byRole(target, some)) {
      await target.query(role === undefined ? "set role none" : `set role ${quoteIdentifier(role)}`);
      await target.query(setValues, [JSON.stringify(ofRole)]);
    }
    await target.query("set role none");
  }
}

/** @returns what is to be told of those that could not be set */
async function setOfExtensions(target: ClientBase, positions: readonly SequencePosition[]): Promise<string[]> {
  const left: string[] = [];
  for (const position of positions) {
    try {
      await setPositions(target, [position]);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      await target.query("set role none");
      const sequence = qualifiedName(position.schema, position.name);
      left.push(
        `Sequence ${sequence} of an extension could not be set (${error.message}). Run on the target, as a user who may: ` +
          `SELECT pg_catalog.setval(${quoteLiteral(sequence)}, ${position.last_value}, ${position.is_called});`,
      );
    }
  }
  return left;
}

/** Undefined: what the session's user may do as himself. */
async function byRole(
  target: ClientBase,
  positions: readonly SequencePosition[],
): Promise<Map<string | undefined, SequencePosition[]>> {
  const { rows } = await target.query<{ schema: string; name: string; role: string }>(ownersToBe, [
    JSON.stringify(positions),
  ]);
  const roles = new Map(rows.map(({ schema, name, role }) => [qualifiedName(schema, name), role]));
  const groups = new Map<string | undefined, SequencePosition[]>();
  for (const position of positions) {
    const role = roles.get(qualifiedName(position.schema, position.name));
    groups.set(role, [...(groups.get(role) ?? []), position]);
  }
  return groups;
}

async function readPositions(source: ClientBase): Promise<SequencePosition[]> {
  const { rows: sequences } =
    await source.query<Pick<SequencePosition, "schema" | "name" | "ofExtension">>(userSequences);
  const positions: SequencePosition[] = [];
  for (let first = 0; first < sequences.length; first += sequencesPerQuery) {
    const selects = sequences
      .slice(first, first + sequencesPerQuery)
      .map(
        ({ schema, name, ofExtension }) =>
          `select ${quoteLiteral(schema)}::text as schema, ${quoteLiteral(name)}::text as name, last_value::text, is_called, ${ofExtension} as "ofExtension" from ${qualifiedName(schema, name)}`,
      );
    positions.push(...(await source.query<SequencePosition>(selects.join(" union all "))).rows);
  }
  return positions;
}
