/** Whether passwords will still be accepted: a scram-only server refuses roles whose password is kept as an MD5 hash. */
import type pg from "pg";
import { DatabaseError } from "pg";
import { quoteIdentifier } from "../../../postgres/identifiers.js";
import { listed } from "../../listed.js";
import type { ServerRule } from "../../rule.js";

const md5Roles = `
  select rolname as role
  from pg_catalog.pg_authid
  where rolcanlogin
    and left(rolpassword, 3) = 'md5'
    and rolname !~ '^(pg_|rds|azure|cloudsql)'
  order by rolname
`;

/** azure.accepted_password_auth_method is Azure Database for PostgreSQL's; elsewhere what new passwords become tells what is meant to be used. */
const acceptance = `
  select
    pg_catalog.current_setting('password_encryption') as encryption,
    (
      select setting
      from pg_catalog.pg_settings
      where name = 'azure.accepted_password_auth_method'
    ) as accepted_on_azure
`;

/** SQLSTATE insufficient_privilege: pg_authid is for superusers. */
const insufficientPrivilege = "42501";

export const rule: ServerRule = {
  id: "password-hashes",
  title: "Password hashes of the source's roles are accepted by the target",
  scope: "server",
  modes: ["Offline", "Online"],
  remedy: "Set the passwords anew with `password_encryption = 'scram-sha-256'`, or let the target accept MD5 too.",
  check: async ({ source, target }) => {
    if (!(await isScramOnly(target))) return [];
    const roles = await rolesWithMd5(source);
    if (roles === undefined) {
      return [
        {
          state: "Succeeded",
          message:
            "The target takes SCRAM passwords only. Whether roles of the source have MD5 ones cannot be seen without superuser rights there.",
        },
      ];
    }
    if (roles.length === 0) return [];
    const statements = roles.map((role) => `ALTER ROLE ${quoteIdentifier(role)} PASSWORD '…';`);
    return [
      {
        state: "Warning",
        message:
          `The passwords of ${listed(roles)} are MD5 hashes on the source, and the target takes SCRAM only: these roles could not log in there. ` +
          `Set each anew, on the source before the migration or on the target after it: SET password_encryption = 'scram-sha-256'; ${listed(statements, 20, " ")}`,
      },
    ];
  },
};

async function isScramOnly(target: pg.Client): Promise<boolean> {
  const { rows } = await target.query<{ encryption: string; accepted_on_azure: string | null }>(acceptance);
  const [row] = rows;
  if (row?.accepted_on_azure) return !row.accepted_on_azure.toLowerCase().includes("md5");
  return row?.encryption === "scram-sha-256";
}

/** Undefined when we may not see them. */
async function rolesWithMd5(source: pg.Client): Promise<string[] | undefined> {
  await source.query("savepoint before_passwords");
  try {
    return (await source.query<{ role: string }>(md5Roles)).rows.map(({ role }) => role);
  } catch (error) {
    if (!(error instanceof DatabaseError && error.code === insufficientPrivilege)) throw error;
    await source.query("rollback to savepoint before_passwords");
    return undefined;
  }
}
