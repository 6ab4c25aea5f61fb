/** What a user needs to publish a database's tables by name (PostgreSQL docs, CREATE PUBLICATION): CREATE on the database, and the tables' ownership. */
import type { ClientBase } from "pg";
import { qualifiedName, quoteIdentifier } from "./identifiers.js";
import { ofNoExtension, userSchema } from "./user-objects.js";

const privilegeOnDatabase = `
  select
    pg_catalog.current_database() as database,
    current_user::text as user,
    pg_catalog.has_database_privilege(pg_catalog.current_database(), 'create') as may_create
`;

/** Tables that are published: leaf partitions as themselves, so that nobody asks whose the partitioned table is. Members of extensions are not copied. */
const othersTables = `
  select n.nspname as schema, c.relname as name, pg_catalog.pg_get_userbyid(c.relowner) as owner
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.relkind = 'r'
    and c.relpersistence = 'p'
    and ${userSchema("n")}
    and not pg_catalog.pg_has_role(c.relowner, 'usage')
    and ${ofNoExtension("pg_class", "c.oid")}
  order by n.nspname, c.relname
`;

/** Tables that a message names; there may be thousands. */
const namedTables = 20;

/**
 * What the source user lacks in the database that the session is in, a message each with the GRANT that mends it. A superuser lacks nothing.
 */
export async function missingPublicationPrivileges(source: ClientBase): Promise<string[]> {
  const right = (await source.query<{ database: string; user: string; may_create: boolean }>(privilegeOnDatabase))
    .rows[0];
  if (right === undefined) return [];
  const user = quoteIdentifier(right.user);
  const { rows } = await source.query<{ schema: string; name: string; owner: string }>(othersTables);
  return [
    ...(right.may_create
      ? []
      : [
          `${right.user} may not create a publication in database ${right.database}. Run on the source: GRANT CREATE ON DATABASE ${quoteIdentifier(right.database)} TO ${user};`,
        ]),
    ...[...new Set(rows.map(({ owner }) => owner))].map((owner) => {
      const tables = rows.filter((row) => row.owner === owner).map(({ schema, name }) => qualifiedName(schema, name));
      const more = tables.length > namedTables ? ` and ${tables.length - namedTables} more` : "";
      return `${right.user} may not publish ${tables.slice(0, namedTables).join(", ")}${more}, owned by ${owner}. Run on the source: GRANT ${quoteIdentifier(owner)} TO ${user};`;
    }),
  ];
}
