import { userSchema } from "../../../postgres/user-objects.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

// pg_attribute.attcompression came with 14; a partition inherits nothing of it.
const compressedColumns = `
  select
    pg_catalog.format('%I.%I.%I', n.nspname, c.relname, a.attname) as name,
    case to_jsonb(a) ->> 'attcompression' when 'l' then 'lz4' when 'p' then 'pglz' else to_jsonb(a) ->> 'attcompression' end as method
  from pg_catalog.pg_attribute as a
  join pg_catalog.pg_class as c on c.oid = a.attrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where a.attnum > 0
    and not a.attisdropped
    and c.relkind in ('r', 'p', 'm')
    and coalesce(to_jsonb(a) ->> 'attcompression', '') <> ''
    and ${userSchema("n")}
  order by 1
`;

const methodsThere = "select enumvals as methods from pg_catalog.pg_settings where name = 'default_toast_compression'";

export const rule: DatabaseRule = {
  id: "compression",
  title: "The target has the compression methods of the columns",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Nothing has to be done: the values arrive, and are compressed by the target's own method.",
  async check({ source, target }) {
    const { rows: columns } = await source.query<{ name: string; method: string }>(compressedColumns);
    if (columns.length === 0) return [];
    const { rows } = await target.query<{ methods: string[] | null }>(methodsThere);
    const there = new Set(rows[0]?.methods ?? []);
    const missing = columns.filter(({ method }) => !there.has(method));
    if (missing.length === 0) return [];
    const methods = [...new Set(missing.map(({ method }) => method))].join(", ");
    const names = missing.map(({ name }) => name);
    return [
      {
        state: "Warning",
        message:
          `${named("column", "columns", names)}: compressed by ${methods}, which the target was built without. SET COMPRESSION is left out, and the ` +
          "migration's statements list it. The values are the same; they may take more or less room.",
      },
    ];
  },
};
