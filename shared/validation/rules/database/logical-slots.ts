import { quoteLiteral } from "../../../postgres/identifiers.js";
import { displayName } from "../../../schema/display-name.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

const logicalSlots = `
  select s.slot_name as name, s.plugin, s.active
  from pg_catalog.pg_replication_slots as s
  where s.database = pg_catalog.current_database()
    and not s.temporary
  order by s.slot_name
`;

export const rule: DatabaseRule = {
  id: "logical-slots",
  title: "Nobody reads the database's changes through a logical replication slot",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Let the consumer start anew on the target; drop slots that nobody reads.",
  async check({ source }) {
    const { rows } = await source.query<{ name: string; plugin: string; active: boolean }>(logicalSlots);
    if (rows.length === 0) return [];
    const names = rows.map(
      ({ name, plugin, active }) => `${displayName(name)} (${plugin}, ${active ? "active" : "idle"})`,
    );
    const idle = rows.filter(({ active }) => !active);
    return [
      {
        state: "Warning",
        message:
          `${named("logical replication slot", "logical replication slots", names)}: slots do not travel. Its consumer (a subscriber, or a tool ` +
          `that captures changes) has to start anew on the target.` +
          (idle.length > 0
            ? ` Those that nobody reads any more keep the source's WAL.${runOn(
                "source",
                idle.map(({ name }) => `SELECT pg_catalog.pg_drop_replication_slot(${quoteLiteral(name)});`),
              )}`
            : ""),
      },
    ];
  },
};
