/** Whether the source has a replication slot for each database. */
import type { ServerRule } from "../../rule.js";
import { setUpByMigration } from "../../set-up-by-migration.js";
import { spareCapacity } from "../../spare-capacity.js";

const slots = `
  select
    pg_catalog.current_setting('max_replication_slots')::integer as slot_limit,
    (select count(*)::integer from pg_catalog.pg_replication_slots) as used
`;

export const rule: ServerRule = {
  id: "replication-slots",
  title: "Source has a free replication slot for each database",
  scope: "server",
  modes: ["Online"],
  remedy: "Drop slots that nobody reads, or raise `max_replication_slots` of the source and restart it.",
  check: async ({ spec, source }) => {
    const { rows } = await source.query<{ slot_limit: number; used: number }>(slots);
    return rows.map(({ slot_limit, used }) =>
      setUpByMigration(
        spec,
        spareCapacity({
          side: "source",
          parameter: "max_replication_slots",
          limit: slot_limit,
          used,
          needed: spec.databases.length,
          what: "replication slots",
        }),
      ),
    );
  },
};
