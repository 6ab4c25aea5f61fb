/** Whether the source may take a slot away from us: nobody reads it while the base copy goes on, and little of it is confirmed. */
import { runOn } from "../../corrective-action.js";
import type { RuleFinding, ServerRule } from "../../rule.js";

/** Settings that end a slot (PostgreSQL docs, "Replication", Sending Servers), with the value that never does. */
const limits: Readonly<Record<string, string>> = {
  // From 18 on.
  idle_replication_slot_timeout: "0",
  // From 13 on; its unit is MB.
  max_slot_wal_keep_size: "-1",
};

const limitsOfSlots = `
  select name, setting, setting || coalesce(unit, '') as value
  from pg_catalog.pg_settings
  where name = any ($1)
`;

export const rule: ServerRule = {
  id: "replication-slot-limits",
  title: "Source keeps a replication slot for as long as the migration needs it",
  scope: "server",
  modes: ["Online"],
  remedy:
    "Set `idle_replication_slot_timeout` to 0 and `max_slot_wal_keep_size` to -1 on the source until the cutover.",
  async check({ source }) {
    const { rows } = await source.query<{ name: string; setting: string; value: string }>(limitsOfSlots, [
      Object.keys(limits),
    ]);
    return rows
      .filter(({ name, setting }) => setting !== limits[name])
      .map(
        ({ name, value }): RuleFinding => ({
          state: "Warning",
          message:
            `${name} of the source is ${value}: a slot that goes beyond it is invalidated, changes are missing then, and the migration fails. While the base copy ` +
            `goes on nobody reads the slot, and the source keeps its WAL. Switch it off until the cutover, and watch the source's disk.${runOn(
              "source",
              [`ALTER SYSTEM SET ${name} = '${limits[name]}';`, "SELECT pg_reload_conf();"],
            )}`,
        }),
      );
  },
};
