/** Sequences: set to where the source's are. They are not transactional, so this is done when the source no longer writes. */
import type { ClientBase } from "pg";
import { withConnection } from "../postgres/connect.js";
import { qualifiedName, quoteIdentifier, quoteLiteral } from "../postgres/identifiers.js";
import { ofNoExtension, userSchema } from "../postgres/user-objects.js";
import type { MigrationServers } from "./servers.js";

/** Sequences asked for in one statement. */
const sequencesPerQuery = 200;

const userSequences = `
  select n.nspname as schema, c.relname as name
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.relkind = 'S'
    and c.relpersistence <> 't'
    and ${userSchema("n")}
    and ${ofNoExtension("pg_class", "c.oid")}
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
}

/** Sets every sequence of the target database to the source's current position, as whoever may. Converges. */
export async function setSequences(servers: MigrationServers, database: string): Promise<void> {
  const positions = await withConnection(servers.source(database, "sequences"), readPositions);
  await withConnection(servers.target(database, "sequences"), async (target) => {
    for (let first = 0; first < positions.length; first += sequencesPerQuery) {
      const some = positions.slice(first, first + sequencesPerQuery);
      for (const [role, ofRole] of await byRole(target, some)) {
        await target.query(role === undefined ? "set role none" : `set role ${quoteIdentifier(role)}`);
        await target.query(setValues, [JSON.stringify(ofRole)]);
      }
      await target.query("set role none");
    }
  });
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
  const { rows: sequences } = await source.query<{ schema: string; name: string }>(userSequences);
  const positions: SequencePosition[] = [];
  for (let first = 0; first < sequences.length; first += sequencesPerQuery) {
    const selects = sequences
      .slice(first, first + sequencesPerQuery)
      .map(
        ({ schema, name }) =>
          `select ${quoteLiteral(schema)}::text as schema, ${quoteLiteral(name)}::text as name, last_value::text, is_called from ${qualifiedName(schema, name)}`,
      );
    positions.push(...(await source.query<SequencePosition>(selects.join(" union all "))).rows);
  }
  return positions;
}
