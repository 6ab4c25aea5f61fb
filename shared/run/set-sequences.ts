/** Sequences: set to where the source's are. They are not transactional, so this is done when the source no longer writes. */
import type { ClientBase } from "pg";
import { withConnection } from "../postgres/connect.js";
import { qualifiedName, quoteLiteral } from "../postgres/identifiers.js";
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

/** Sets every sequence of the target database to the source's current position. Converges. */
export async function setSequences(servers: MigrationServers, database: string): Promise<void> {
  const positions = await withConnection(servers.source(database, "sequences"), readPositions);
  await withConnection(servers.target(database, "sequences"), async (target) => {
    for (let first = 0; first < positions.length; first += sequencesPerQuery) {
      await target.query(setValues, [JSON.stringify(positions.slice(first, first + sequencesPerQuery))]);
    }
  });
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
