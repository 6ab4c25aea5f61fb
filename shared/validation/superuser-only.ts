/** Objects that PostgreSQL lets only a superuser create: a managed target has no superuser for its customers. */
import type pg from "pg";
import { runOn } from "./corrective-action.js";
import { named } from "./named.js";
import type { DatabaseRuleContext, RuleFinding } from "./rule.js";

const currentRole = `
  select r.rolsuper as superuser
  from pg_catalog.pg_roles as r
  where r.rolname = current_user
`;

/** Whether the session's user is a superuser. */
export async function isSuperuser(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ superuser: boolean }>(currentRole);
  return rows[0]?.superuser ?? false;
}

export interface SuperuserOnlyObjects {
  readonly one: string;
  readonly several: string;
  /** Answers `name`, for people, and `removal`, the statement that drops the object, null where dropping it would drop data. Run on the source. */
  readonly query: string;
  /** What to do other than dropping it: a sentence. */
  readonly instead: string;
}

/** Failed if the source has such objects and the target's user is no superuser. */
export async function findSuperuserOnly(
  { source, target, spec }: DatabaseRuleContext,
  { one, several, query, instead }: SuperuserOnlyObjects,
): Promise<RuleFinding[]> {
  if (await isSuperuser(target)) return [];
  const { rows } = await source.query<{ name: string; removal: string | null }>(query);
  if (rows.length === 0) return [];
  const names = rows.map(({ name }) => name);
  const removals = rows.flatMap(({ removal }) => removal ?? []);
  const message =
    `${named(one, several, names)}: only a superuser can create this, and ${spec.target.user} is none on the target. ` +
    `${instead} ${removals.length > 0 ? "Or drop what is not needed." : ""}`.trimEnd();
  return [{ state: "Failed", message: message + runOn("source", removals) }];
}
