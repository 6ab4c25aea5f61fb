import { ofNoExtension } from "../../../postgres/user-objects.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

/** As pg_upgrade's check_for_user_defined_postfix_ops. */
const postfixOperators = `
  select o.oid::pg_catalog.regoperator::text as name
  from pg_catalog.pg_operator as o
  where o.oprright = 0
    and o.oid >= 16384
    and ${ofNoExtension("pg_operator", "o.oid")}
  order by 1
`;

/** The first version that has none. */
const removedSince = 140_000;

export const rule: DatabaseRule = {
  id: "postfix-operators",
  title: "No postfix operator is defined by the user",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Replace it by a prefix operator or a function call, and drop it on the source.",
  async check({ source, sourceVersion, targetVersion }) {
    if (sourceVersion >= removedSince || targetVersion < removedSince) return [];
    const { rows } = await source.query<{ name: string }>(postfixOperators);
    if (rows.length === 0) return [];
    const names = rows.map(({ name }) => name);
    return [
      {
        state: "Failed",
        message:
          `${named("postfix operator", "postfix operators", names)}: PostgreSQL 14 has removed postfix operators. Use a prefix operator ` +
          `or a function in its place.${runOn(
            "source",
            names.map((name) => `DROP OPERATOR ${name};`),
          )}`,
      },
    ];
  },
};
