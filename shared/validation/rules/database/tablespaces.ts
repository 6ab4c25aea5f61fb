import { qualifiedName, quoteIdentifier } from "../../../postgres/identifiers.js";
import { userSchema } from "../../../postgres/user-objects.js";
import { displayName } from "../../../schema/display-name.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule, RuleFinding } from "../../rule.js";

const relationsInTablespaces = `
  select n.nspname as schema, c.relname as name, c.relkind as kind, t.spcname as tablespace
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  join pg_catalog.pg_tablespace as t on t.oid = c.reltablespace
  where c.relkind in ('r', 'p', 'm', 'i', 'I')
    and ${userSchema("n")}
  order by n.nspname, c.relname
`;

const databaseTablespace = `
  select t.spcname as tablespace
  from pg_catalog.pg_database as d
  join pg_catalog.pg_tablespace as t on t.oid = d.dattablespace
  where d.datname = pg_catalog.current_database()
    and t.spcname <> 'pg_default'
`;

interface RelationInTablespace {
  readonly schema: string;
  readonly name: string;
  readonly kind: "r" | "p" | "m" | "i" | "I";
  readonly tablespace: string;
}

const objectKinds = { r: "TABLE", p: "TABLE", m: "MATERIALIZED VIEW", i: "INDEX", I: "INDEX" } as const;

export const rule: DatabaseRule = {
  id: "tablespaces",
  title: "Everything is in the default tablespace",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy:
    "Nothing has to be done: everything is put into the target's default tablespace. Make sure that its disk is large enough.",
  async check({ source, database }) {
    const findings: RuleFinding[] = [];
    const { rows: ownTablespace } = await source.query<{ tablespace: string }>(databaseTablespace);
    for (const { tablespace } of ownTablespace) {
      findings.push({
        state: "Warning",
        message:
          `Database ${database} is in tablespace ${displayName(tablespace)}: on the target it will be in the default one. Nothing has to be done. ` +
          `If the source is to look alike, end the database's sessions and move it.${runOn("source", [`ALTER DATABASE ${quoteIdentifier(database)} SET TABLESPACE pg_default;`])}`,
      });
    }
    const { rows } = await source.query<RelationInTablespace>(relationsInTablespaces);
    if (rows.length > 0) {
      const names = rows.map(
        ({ schema, name, tablespace }) => `${displayName(schema, name)} in ${displayName(tablespace)}`,
      );
      const statements = rows.map(
        ({ schema, name, kind }) =>
          `ALTER ${objectKinds[kind]} ${qualifiedName(schema, name)} SET TABLESPACE pg_default;`,
      );
      findings.push({
        state: "Warning",
        message:
          `${named("relation", "relations", names)}: custom tablespaces are not carried over, all will be in the target's default one. ` +
          `Nothing has to be done but to plan its disk. If the source is to look alike, move them there too, which locks and rewrites them.${runOn("source", statements)}`,
      });
    }
    return findings;
  },
};
