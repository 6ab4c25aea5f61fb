import { quoteIdentifier } from "../../../postgres/identifiers.js";
import { userSchema } from "../../../postgres/user-objects.js";
import { displayName } from "../../../schema/display-name.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

const hiddenFromUs = `
  select n.nspname as schema, c.relname as name, current_user::text as user
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.relrowsecurity
    and c.relkind in ('r', 'p')
    and ${userSchema("n")}
    and pg_catalog.row_security_active(c.oid)
  order by n.nspname, c.relname
`;

export const rule: DatabaseRule = {
  id: "row-security",
  title: "No row security policy hides rows from the migration's user",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "`ALTER ROLE … BYPASSRLS` for the source's user, or make it the owner of the tables.",
  async check({ source }) {
    const { rows } = await source.query<{ schema: string; name: string; user: string }>(hiddenFromUs);
    const [first] = rows;
    if (first === undefined) return [];
    const names = rows.map(({ schema, name }) => displayName(schema, name));
    return [
      {
        state: "Failed",
        message:
          `${named("table", "tables", names)}: row security could hide rows from ${first.user}, so PostgreSQL refuses to copy it. Let a superuser ` +
          `exempt the user, or migrate as the tables' owner.${runOn("source", [`ALTER ROLE ${quoteIdentifier(first.user)} BYPASSRLS;`])}`,
      },
    ];
  },
};
