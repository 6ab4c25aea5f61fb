/** Whether the source user may create and read replication slots. */
import { quoteIdentifier } from "../../../postgres/identifiers.js";
import { runOn } from "../../corrective-action.js";
import type { ServerRule } from "../../rule.js";

/** Amazon RDS grants the right by membership in rds_replication. */
const right = `
  select
    role.rolsuper or role.rolreplication or exists (
      select
      from pg_catalog.pg_roles as granting
      where granting.rolname in ('rds_replication', 'rds_superuser')
        and pg_catalog.pg_has_role(granting.oid, 'usage')
    ) as may_replicate,
    exists (select from pg_catalog.pg_roles where rolname = 'rds_replication') as on_rds
  from pg_catalog.pg_roles as role
  where role.rolname = current_user
`;

export const rule: ServerRule = {
  id: "replication-privilege",
  title: "Source user may replicate",
  scope: "server",
  modes: ["Online"],
  remedy: "`ALTER ROLE … REPLICATION` on the source (Amazon RDS: `GRANT rds_replication TO …`).",
  check: async ({ spec, source }) => {
    const { rows } = await source.query<{ may_replicate: boolean; on_rds: boolean }>(right);
    if (rows[0]?.may_replicate === true) return [];
    const user = quoteIdentifier(spec.source.user);
    const sql = rows[0]?.on_rds === true ? `GRANT rds_replication TO ${user};` : `ALTER ROLE ${user} REPLICATION;`;
    return [
      {
        state: "Failed",
        message: `${spec.source.user} may not create replication slots.${runOn("source", [sql])}`,
      },
    ];
  },
};
