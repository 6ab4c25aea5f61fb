/** Whether the target user may do there what the migration does on the server: create, replace and own databases, create roles. */
import { quoteIdentifier } from "../../../postgres/identifiers.js";
import { runOn } from "../../corrective-action.js";
import type { RuleFinding, ServerRule } from "../../rule.js";

const attributes = `
  select rolsuper as superuser, rolcreatedb as may_create_databases, rolcreaterole as may_create_roles
  from pg_catalog.pg_roles
  where rolname = current_user
`;

/** DROP DATABASE is for those who have the privileges of the owner (PostgreSQL docs, DROP DATABASE). */
const othersDatabases = `
  select datname as database, pg_catalog.pg_get_userbyid(datdba) as owner
  from pg_catalog.pg_database
  where datname = any ($1)
    and not pg_catalog.pg_has_role(datdba, 'usage')
  order by datname
`;

export const rule: ServerRule = {
  id: "target-privileges",
  title: "Target user may create databases, replace those in the way and create roles",
  scope: "server",
  modes: ["Offline", "Online"],
  remedy:
    "`ALTER ROLE … CREATEDB` (with `migrateRoles` also `CREATEROLE`), or membership in the existing database's owner.",
  check: async ({ spec, target }) => {
    const user = quoteIdentifier(spec.target.user);
    const [role] = (
      await target.query<{ superuser: boolean; may_create_databases: boolean; may_create_roles: boolean }>(attributes)
    ).rows;
    if (role?.superuser === true) return [];
    const findings: RuleFinding[] = [];
    if (role?.may_create_databases !== true) {
      findings.push(failed(`${spec.target.user} may not create databases.`, `ALTER ROLE ${user} CREATEDB;`));
    }
    if (spec.migrateRoles && role?.may_create_roles !== true) {
      findings.push(
        failed(`${spec.target.user} may not create roles, and migrateRoles is True.`, `ALTER ROLE ${user} CREATEROLE;`),
      );
    }
    if (spec.overwriteDbsInTarget) {
      const { rows } = await target.query<{ database: string; owner: string }>(othersDatabases, [spec.databases]);
      for (const { database, owner } of rows) {
        findings.push(
          failed(
            `${spec.target.user} may not replace database ${database}, which belongs to ${owner}.`,
            `GRANT ${quoteIdentifier(owner)} TO ${user};`,
          ),
        );
      }
    }
    return findings;
  },
};

function failed(message: string, remedy: string): RuleFinding {
  return { state: "Failed", message: message + runOn("target", [remedy]) };
}
