import { ofNoExtension, userSchema } from "../../../postgres/user-objects.js";
import { displayName } from "../../../schema/display-name.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

const sequences = `
  select n.nspname as schema, c.relname as name
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.relkind = 'S'
    and c.relpersistence <> 't'
    and ${userSchema("n")}
    and ${ofNoExtension("pg_class", "c.oid")}
  order by n.nspname, c.relname
`;

export const rule: DatabaseRule = {
  id: "sequences",
  title: "No sequence goes on while changes are replicated",
  scope: "database",
  modes: ["Online"],
  remedy: "Nothing has to be done, but no session may write to the target before the cutover is complete.",
  async check({ source }) {
    const { rows } = await source.query<{ schema: string; name: string }>(sequences);
    if (rows.length === 0) return [];
    const names = rows.map(({ schema, name }) => displayName(schema, name));
    return [
      {
        state: "Warning",
        message:
          `${named("sequence", "sequences", names)}: logical replication does not carry what a sequence counts. It is set on the target ` +
          "when the cutover completes: until then let nobody write to the target, and stop writing to the source before the cutover.",
      },
    ];
  },
};
