import { quoteIdentifier } from "../../../postgres/identifiers.js";
import { displayName } from "../../../schema/display-name.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";
import { isSuperuser } from "../../superuser-only.js";

const publicationsOfAllTables = `
  select p.pubname as name
  from pg_catalog.pg_publication as p
  where p.puballtables
  order by p.pubname
`;

export const rule: DatabaseRule = {
  id: "publications",
  title: "The target's user may create the database's publications",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Drop publications `FOR ALL TABLES`, or create them on the target as its superuser.",
  async check({ source, target, spec }) {
    if (await isSuperuser(target)) return [];
    const { rows } = await source.query<{ name: string }>(publicationsOfAllTables);
    if (rows.length === 0) return [];
    return [
      {
        state: "Warning",
        message:
          `${named(
            "publication",
            "publications",
            rows.map(({ name }) => displayName(name)),
          )}: FOR ALL TABLES, which only a superuser can create, and ${spec.target.user} is none on the target: it is left out there. ` +
          `Drop it if nobody subscribes to it.${runOn(
            "source",
            rows.map(({ name }) => `DROP PUBLICATION ${quoteIdentifier(name)};`),
          )}`,
      },
    ];
  },
};
