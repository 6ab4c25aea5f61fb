import { quoteIdentifier } from "../../../postgres/identifiers.js";
import { ofNoExtension, userSchema } from "../../../postgres/user-objects.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule, RuleFinding } from "../../rule.js";
import { findSuperuserOnly, isSuperuser } from "../../superuser-only.js";

const ownTypes = `
  select t.oid, t.typowner
  from pg_catalog.pg_type as t
  join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
  where ${userSchema("n")}
    and ${ofNoExtension("pg_type", "t.oid")}
`;

const castName = `
  '(' || pg_catalog.format_type(c.castsource, null) || ' AS ' || pg_catalog.format_type(c.casttarget, null) || ')'
`;

/** PostgreSQL docs, CREATE CAST: one must own one of the two types, and be a superuser for a cast WITHOUT FUNCTION. */
const superuserCasts = `
  select
    ${castName} as name,
    'DROP CAST ' || ${castName} || ';' as removal
  from pg_catalog.pg_cast as c
  where c.oid >= 16384
    and ${ofNoExtension("pg_cast", "c.oid")}
    and (
      c.castmethod = 'b'
      or not exists (
        select
        from (${ownTypes}) as own
        where own.oid in (c.castsource, c.casttarget)
      )
    )
  order by 1
`;

const ownersCasts = `
  select
    ${castName} as name,
    array(
      select distinct pg_catalog.pg_get_userbyid(own.typowner)::text
      from (${ownTypes}) as own
      where own.oid in (c.castsource, c.casttarget)
    ) as owners
  from pg_catalog.pg_cast as c
  where c.oid >= 16384
    and c.castmethod <> 'b'
    and ${ofNoExtension("pg_cast", "c.oid")}
    and exists (
      select
      from (${ownTypes}) as own
      where own.oid in (c.castsource, c.casttarget)
    )
  order by 1
`;

// Types go to their owners as soon as they are created, where the owner exists and we may give them away.
const strangersOnTarget = `
  select r.rolname as role
  from pg_catalog.pg_roles as r
  where r.rolname = any ($1::text[])
    and not pg_catalog.pg_has_role(r.oid, 'usage')
    and pg_catalog.pg_has_role(r.oid, 'member')
`;

export const rule: DatabaseRule = {
  id: "casts",
  title: "The target's user may create the user's casts",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Drop casts between built-in types and casts `WITHOUT FUNCTION`, or migrate as a superuser of the target.",
  async check(context) {
    const refused = await findSuperuserOnly(context, {
      one: "cast",
      several: "casts",
      query: superuserCasts,
      instead: "Use an explicit conversion function in its place.",
    });
    return [...refused, ...(await findOwnersCasts(context))];
  },
};

/** Casts that need no superuser, but the ownership of a type. */
async function findOwnersCasts({
  source,
  target,
  targetVersion,
}: Parameters<DatabaseRule["check"]>[0]): Promise<readonly RuleFinding[]> {
  const { rows } = await source.query<{ name: string; owners: string[] }>(ownersCasts);
  if (rows.length === 0 || (await isSuperuser(target))) return [];
  const user = (await target.query<{ user: string }>("select current_user::text as user")).rows[0]?.user ?? "";
  const strangers = new Set(
    (await target.query<{ role: string }>(strangersOnTarget, [rows.flatMap(({ owners }) => owners)])).rows.map(
      ({ role }) => role,
    ),
  );
  const subject = named(
    "cast",
    "casts",
    rows.map(({ name }) => name),
  );
  if (strangers.size === 0) {
    return [{ state: "Succeeded", message: `${subject}: of types of your own, which the target's user may create.` }];
  }
  // Since 16 each grant has an inheritance of its own; before, the role's attribute decides.
  const inheriting = targetVersion >= 160_000 ? " WITH INHERIT TRUE" : "";
  const grants = [...strangers].map(
    (role) => `GRANT ${quoteIdentifier(role)} TO ${quoteIdentifier(user)}${inheriting};`,
  );
  return [
    {
      state: "Warning",
      message:
        `${subject}: only the owner of one of its types can create it, and ${user} does not inherit the rights of ` +
        `${[...strangers].join(", ")} on the target.${runOn("target", grants)}`,
    },
  ];
}
