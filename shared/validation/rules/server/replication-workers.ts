/** Whether the target may run a subscription for each database (PostgreSQL docs, "Logical Replication", Configuration Settings, Subscribers). */
import type { ServerRule } from "../../rule.js";
import { spareCapacity } from "../../spare-capacity.js";

/** Origins were limited by max_replication_slots until version 17. */
const workers = `
  select
    pg_catalog.current_setting('max_logical_replication_workers')::integer as replication_workers,
    pg_catalog.current_setting('max_worker_processes')::integer as processes,
    coalesce(
      pg_catalog.current_setting('max_active_replication_origins', true),
      pg_catalog.current_setting('max_replication_slots')
    )::integer as origins,
    (
      select count(*)::integer
      from pg_catalog.pg_stat_subscription
      where pid is not null
    ) as running,
    (select count(*)::integer from pg_catalog.pg_replication_origin) as origins_used,
    (select count(*)::integer from pg_catalog.pg_replication_slots) as slots_used
`;

interface Workers {
  replication_workers: number;
  processes: number;
  origins: number;
  running: number;
  origins_used: number;
  slots_used: number;
}

/** The launcher of the replication workers is a worker process too. */
const launcher = 1;

/** max_active_replication_origins is new in it. */
const separateOrigins = 180_000;

export const rule: ServerRule = {
  id: "replication-workers",
  title: "Target may run a subscription for each database",
  scope: "server",
  modes: ["Online"],
  remedy:
    "Raise `max_logical_replication_workers`, `max_worker_processes` or `max_replication_slots` (from 18 on `max_active_replication_origins`) of the target and restart it.",
  check: async ({ spec, target, targetVersion }) => {
    const { rows } = await target.query<Workers>(workers);
    const common = { side: "target", needed: spec.databases.length } as const;
    const separate = targetVersion >= separateOrigins;
    return rows.flatMap((row) => [
      spareCapacity({
        ...common,
        parameter: "max_logical_replication_workers",
        limit: row.replication_workers,
        used: row.running,
        what: "logical replication workers",
      }),
      spareCapacity({
        ...common,
        parameter: "max_worker_processes",
        limit: row.processes,
        used: row.running + launcher,
        what: "worker processes",
      }),
      spareCapacity({
        ...common,
        parameter: separate ? "max_active_replication_origins" : "max_replication_slots",
        limit: row.origins,
        used: separate ? row.origins_used : Math.max(row.origins_used, row.slots_used),
        what: "replication origins",
      }),
    ]);
  },
};
