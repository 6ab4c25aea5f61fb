import { quoteIdentifier } from "../../../postgres/identifiers.js";
import { displayName } from "../../../schema/display-name.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

// Only these columns may be read by everybody, in every version.
const subscriptions = `
  select s.subname as name
  from pg_catalog.pg_subscription as s
  join pg_catalog.pg_database as d on d.oid = s.subdbid
  where d.datname = pg_catalog.current_database()
    and s.subenabled
  order by s.subname
`;

export const rule: DatabaseRule = {
  id: "subscriptions",
  title: "The database subscribes to no other server",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Disable the subscription before the move, and create it on the target afterwards.",
  async check({ source }) {
    const { rows } = await source.query<{ name: string }>(subscriptions);
    if (rows.length === 0) return [];
    return [
      {
        state: "Warning",
        message:
          `${named(
            "subscription",
            "subscriptions",
            rows.map(({ name }) => displayName(name)),
          )}: not carried over, and goes on to change the source. Disable it for the move, and create it on the target afterwards ` +
          `(copy_data = false, with the same slot).${runOn(
            "source",
            rows.map(({ name }) => `ALTER SUBSCRIPTION ${quoteIdentifier(name)} DISABLE;`),
          )}`,
      },
    ];
  },
};
