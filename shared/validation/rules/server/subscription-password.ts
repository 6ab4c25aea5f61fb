/** Whose password comes to stand in the target's catalogue: a subscription keeps what it logs in to the source with. */
import type { ServerRule } from "../../rule.js";

/** Before 16 only superusers make roles with REPLICATION; from then on who has CREATEROLE and REPLICATION himself (PostgreSQL docs, CREATE ROLE). */
const mayMakeRole = `
  select
    current_user::text as user,
    rolsuper
      or rolcreaterole and rolreplication and pg_catalog.current_setting('server_version_num')::integer >= 160000 as may
  from pg_catalog.pg_roles
  where rolname = current_user
`;

export const rule: ServerRule = {
  id: "subscription-password",
  title: "The source user's password stays out of the target's catalogue",
  scope: "server",
  modes: ["Online"],
  remedy:
    "Migrate as a superuser of the source, or from version 16 on with CREATEROLE and REPLICATION; or change the password after the migration.",
  async check({ source }) {
    const { rows } = await source.query<{ user: string; may: boolean }>(mayMakeRole);
    const [is] = rows;
    if (is === undefined || is.may) return [];
    return [
      {
        state: "Warning",
        message:
          `${is.user} may not make a role of its own for the subscription on the source, so its own password stands in the target's pg_subscription, which the target's ` +
          "superusers read, until the cutover. Change the password after the migration, or migrate as a user who may (a superuser; from PostgreSQL 16 on one with CREATEROLE and REPLICATION).",
      },
    ];
  },
};
