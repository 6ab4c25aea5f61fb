/** Whether the source may start a WAL sender for each database. */
import type { ServerRule } from "../../rule.js";
import { setUpByMigration } from "../../set-up-by-migration.js";
import { spareCapacity } from "../../spare-capacity.js";

const senders = `
  select
    pg_catalog.current_setting('max_wal_senders')::integer as sender_limit,
    (select count(*)::integer from pg_catalog.pg_stat_replication) as used
`;

export const rule: ServerRule = {
  id: "wal-senders",
  title: "Source may start a WAL sender for each database",
  scope: "server",
  modes: ["Online"],
  remedy: "Raise `max_wal_senders` of the source and restart it.",
  check: async ({ spec, source }) => {
    const { rows } = await source.query<{ sender_limit: number; used: number }>(senders);
    return rows.map(({ sender_limit, used }) =>
      setUpByMigration(
        spec,
        spareCapacity({
          side: "source",
          parameter: "max_wal_senders",
          limit: sender_limit,
          used,
          needed: spec.databases.length,
          what: "WAL senders",
        }),
      ),
    );
  },
};
