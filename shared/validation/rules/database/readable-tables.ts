/** Whether the source user may read everything that will be copied: tables, sequences, large objects. */
import type pg from "pg";
import { qualifiedName, quoteIdentifier, quoteLiteral } from "../../../postgres/identifiers.js";
import { userSchema } from "../../../postgres/user-objects.js";
import { runOn } from "../../corrective-action.js";
import { listed } from "../../listed.js";
import type { DatabaseRule, RuleFinding } from "../../rule.js";

/** Schemas first: without USAGE of the schema, rights in it are worth nothing. Members of extensions are made anew on the target. */
const closedSchemas = `
  select n.nspname as schema
  from pg_catalog.pg_namespace as n
  where ${userSchema("n")}
    and not pg_catalog.has_schema_privilege(n.oid, 'usage')
    and exists (
      select
      from pg_catalog.pg_class as c
      where c.relnamespace = n.oid
        and c.relkind in ('r', 'p', 'S', 'm')
    )
  order by n.nspname
`;

/** Tables with their partitioned parents (pg_dump locks them too), materialized views, sequences. */
const closedRelations = `
  select n.nspname as schema, c.relname as name, c.relkind = 'S' as sequence
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where ${userSchema("n")}
    and c.relkind in ('r', 'p', 'S')
    and c.relpersistence <> 't'
    and not pg_catalog.has_table_privilege(c.oid, 'select')
    and not exists (
      select
      from pg_catalog.pg_depend as member
      join pg_catalog.pg_extension as e on e.oid = member.refobjid
      where member.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        and member.objid = c.oid
        and member.deptype = 'e'
        and array_position(e.extconfig, c.oid) is null
    )
  order by n.nspname, c.relname
`;

const closedLargeObjects = `
  select count(*)::integer as objects, min(oid)::text as example
  from pg_catalog.pg_largeobject_metadata
  where not pg_catalog.pg_has_role(lomowner, 'usage')
    and not exists (
      select
      from pg_catalog.aclexplode(lomacl) as granted
      where granted.privilege_type = 'SELECT'
        and (granted.grantee = 0 or pg_catalog.pg_has_role(granted.grantee, 'usage'))
    )
    and not (
      select rolsuper
      from pg_catalog.pg_roles
      where rolname = current_user
    )
`;

export const rule: DatabaseRule = {
  id: "readable-tables",
  title: "Source user may read everything that is copied",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy:
    "`GRANT USAGE ON SCHEMA …` and `GRANT SELECT ON …` on the source; from version 14 on `GRANT pg_read_all_data TO …`.",
  check: async ({ spec, source, database }) => {
    const user = quoteIdentifier(spec.source.user);
    return [
      ...(await schemas(source, spec.source.user, user)),
      ...(await relations(source, spec.source.user, user)),
      ...(await largeObjects(source, spec.source.user, database)),
    ];
  },
};

async function schemas(source: pg.Client, userName: string, user: string): Promise<RuleFinding[]> {
  const { rows } = await source.query<{ schema: string }>(closedSchemas);
  return rows.map(({ schema }) => ({
    state: "Failed",
    message:
      `${userName} may not look into schema ${schema}.` +
      runOn("source", [`GRANT USAGE ON SCHEMA ${quoteIdentifier(schema)} TO ${user};`]),
  }));
}

async function relations(source: pg.Client, userName: string, user: string): Promise<RuleFinding[]> {
  const { rows } = await source.query<{ schema: string; name: string; sequence: boolean }>(closedRelations);
  const finding = (
    what: string,
    keyword: string,
    names: readonly { schema: string; name: string }[],
  ): RuleFinding[] => {
    if (names.length === 0) return [];
    const inSchemas = [...new Set(names.map(({ schema }) => schema))].map(quoteIdentifier).join(", ");
    return [
      {
        state: "Failed",
        message:
          `${userName} may not read ${what} ${listed(names.map(({ schema, name }) => qualifiedName(schema, name)))}.` +
          runOn("source", [`GRANT SELECT ON ALL ${keyword} IN SCHEMA ${inSchemas} TO ${user};`]),
      },
    ];
  };
  return [
    ...finding(
      "tables",
      "TABLES",
      rows.filter(({ sequence }) => !sequence),
    ),
    ...finding(
      "sequences",
      "SEQUENCES",
      rows.filter(({ sequence }) => sequence),
    ),
  ];
}

async function largeObjects(source: pg.Client, userName: string, database: string): Promise<RuleFinding[]> {
  const { rows } = await source.query<{ objects: number; example: string | null }>(closedLargeObjects);
  const [closed] = rows;
  if (closed === undefined || closed.objects === 0) return [];
  return [
    {
      state: "Failed",
      message:
        `${userName} may not read ${closed.objects} large objects of database ${database}, e.g. ${closed.example}.` +
        runOn("source", [
          `DO $$ DECLARE lo oid; BEGIN FOR lo IN SELECT oid FROM pg_catalog.pg_largeobject_metadata LOOP EXECUTE format('GRANT SELECT ON LARGE OBJECT %s TO %I', lo, ${quoteLiteral(userName)}); END LOOP; END $$;`,
        ]),
    },
  ];
}
