/**
 * Owners and privileges, applied by a user that is no superuser.
 *
 * Giving an object away takes a right of the new owner to create in its schema; what is done to the object afterwards is up to him. So the statements
 * about an object that has been given away run as its owner (SET ROLE: our membership may be without INHERIT), and the roles get for the length of the
 * transaction what they lack in schemas that are still ours. What has been lent is taken back before the commit: nobody ever sees it.
 */
import type pg from "pg";
import { quoteIdentifier } from "../postgres/identifiers.js";
import type { SchemaStatement } from "./schema-statement.js";

export interface Acting {
  /** The statements, each as the role that may. */
  readonly statements: readonly SchemaStatement[];
  /** SQL to be run before and after them, in their transaction; empty when there is nothing to lend. */
  readonly lend: string;
  readonly takeBack: string;
}

/** Roles that we may act as; none are asked for by a superuser, who may do everything as himself. From 16 on a membership may be without SET. */
const actors = `
  select other.rolname as role
  from pg_catalog.pg_roles as own
  join pg_catalog.pg_roles as other on other.rolname = any ($1::text[])
  where own.rolname = current_user
    and other.oid <> own.oid
    and not own.rolsuper
    and pg_catalog.pg_has_role(
      other.oid,
      case when pg_catalog.current_setting('server_version_num')::integer >= 160000 then 'set' else 'member' end
    )
`;

interface Wanted {
  readonly role: string;
  /** Undefined for what is in no schema: then it is about the database. */
  readonly schema?: string;
  readonly privilege: "create" | "usage";
}

/** Only the owner of a schema may lend; the database is ours until everything is done. */
const lacking = `
  select
    case when wanted.schema is null then 'database' else 'schema' end as kind,
    coalesce(wanted.schema, pg_catalog.current_database()) as name,
    wanted.privilege,
    wanted.role
  from json_to_recordset($1::json) as wanted (role text, schema text, privilege text)
  join pg_catalog.pg_roles as role on role.rolname = wanted.role
  left join pg_catalog.pg_namespace as namespace on namespace.nspname = wanted.schema
  where case
    when wanted.schema is null
    then not pg_catalog.has_database_privilege(role.oid, pg_catalog.current_database(), wanted.privilege)
    when namespace.oid is null
    then false
    else not pg_catalog.has_schema_privilege(role.oid, namespace.oid, wanted.privilege)
      and pg_catalog.pg_has_role(namespace.nspowner, 'usage')
    end
`;

/** How the user that `target` is logged in as applies these statements. */
export async function actAsOwner(target: pg.ClientBase, statements: readonly SchemaStatement[]): Promise<Acting> {
  const named = new Set(
    statements.flatMap(({ owner, newOwner }) => [owner, newOwner]).filter((role) => role !== undefined),
  );
  if (named.size === 0 && statements.every(({ grantor }) => grantor === undefined)) {
    return { statements, lend: "", takeBack: "" };
  }
  const { rows } = await target.query<{ role: string }>(actors, [[...named]]);
  const ours = new Set(rows.map(({ role }) => role));
  const wanted = statements.flatMap((statement) => wants(statement, ours));
  const lent = wanted.length === 0 ? [] : await lackingPrivileges(target, wanted);
  return {
    statements: statements.map((statement) => {
      const { owner, sql } = statement;
      return owner === undefined || !ours.has(owner) ? statement : { ...statement, sql: runAs(owner, sql) };
    }),
    lend: lent.map((privilege) => `grant ${privilege.on} to ${privilege.role}`).join(";\n"),
    takeBack: lent.map((privilege) => `revoke ${privilege.on} from ${privilege.role}`).join(";\n"),
  };
}

/** One statement as another role. SET ROLE NONE, not RESET: the database may have a role of its own that RESET goes back to. */
export function runAs(role: string, sql: string): string {
  return `set role ${quoteIdentifier(role)};\n${sql};\nset role none`;
}

function wants(
  { subject, owner, newOwner, grantor, objectType }: SchemaStatement,
  ours: ReadonlySet<string>,
): Wanted[] {
  const wanted: Wanted[] = [];
  const schema = subject?.schema;
  if (newOwner !== undefined && ours.has(newOwner)) {
    if (schema !== undefined) wanted.push({ role: newOwner, schema, privilege: "create" });
    if (objectType === "PUBLICATION") wanted.push({ role: newOwner, privilege: "create" });
  }
  if (schema !== undefined) {
    if (owner !== undefined && ours.has(owner)) wanted.push({ role: owner, schema, privilege: "usage" });
    if (grantor !== undefined) wanted.push({ role: grantor, schema, privilege: "usage" });
  }
  return wanted;
}

async function lackingPrivileges(
  target: pg.ClientBase,
  wanted: readonly Wanted[],
): Promise<{ on: string; role: string }[]> {
  const unique = [...new Map(wanted.map((one) => [JSON.stringify(one), one])).values()];
  const { rows } = await target.query<{ kind: string; name: string; privilege: string; role: string }>(lacking, [
    JSON.stringify(unique),
  ]);
  return rows.map(({ kind, name, privilege, role }) => ({
    on: `${privilege} on ${kind} ${quoteIdentifier(name)}`,
    role: quoteIdentifier(role),
  }));
}
