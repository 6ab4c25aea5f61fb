/** Whether the source user may create the publication of this database: CREATE on the database, and ownership of every table in it. */
import { qualifiedName, quoteIdentifier } from "../../../postgres/identifiers.js";
import { ofNoExtension, userSchema } from "../../../postgres/user-objects.js";
import { runOn } from "../../corrective-action.js";
import { listed } from "../../listed.js";
import type { DatabaseRule, RuleFinding } from "../../rule.js";

const right = `
  select
    role.rolsuper as superuser,
    pg_catalog.has_database_privilege(current_database(), 'create') as may_create
  from pg_catalog.pg_roles as role
  where role.rolname = current_user
`;

/** What a publication FOR TABLE can hold (PostgreSQL docs, CREATE PUBLICATION): persistent tables. Members of extensions are not copied. */
const othersTables = `
  select n.nspname as schema, c.relname as name, pg_catalog.pg_get_userbyid(c.relowner) as owner
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p')
    and c.relpersistence = 'p'
    and ${userSchema("n")}
    and not pg_catalog.pg_has_role(c.relowner, 'usage')
    and ${ofNoExtension("pg_class", "c.oid")}
  order by n.nspname, c.relname
`;

export const rule: DatabaseRule = {
  id: "publication-privilege",
  title: "Source user may publish the database's tables",
  scope: "database",
  modes: ["Online"],
  remedy: "`GRANT CREATE ON DATABASE …` and membership in the tables' owners, on the source.",
  check: async ({ spec, source, database }) => {
    const user = quoteIdentifier(spec.source.user);
    const [role] = (await source.query<{ superuser: boolean; may_create: boolean }>(right)).rows;
    if (role?.superuser === true) return [];
    const findings: RuleFinding[] = [];
    if (role?.may_create !== true) {
      findings.push({
        state: "Failed",
        message:
          `${spec.source.user} may not create a publication in database ${database}.` +
          runOn("source", [`GRANT CREATE ON DATABASE ${quoteIdentifier(database)} TO ${user};`]),
      });
    }
    const { rows } = await source.query<{ schema: string; name: string; owner: string }>(othersTables);
    for (const owner of new Set(rows.map((row) => row.owner))) {
      const tables = rows.filter((row) => row.owner === owner).map(({ schema, name }) => qualifiedName(schema, name));
      findings.push({
        state: "Failed",
        message:
          `${spec.source.user} may not publish ${listed(tables)}, owned by ${owner}.` +
          runOn("source", [`GRANT ${quoteIdentifier(owner)} TO ${user};`]),
      });
    }
    return findings;
  },
};
