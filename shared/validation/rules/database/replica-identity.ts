import { anyMigrationPrefix } from "../../../model/replication-names.js";
import { qualifiedName } from "../../../postgres/identifiers.js";
import { listPublishableTables, type PublishableTable } from "../../../postgres/publication.js";
import { ofNoExtension, userSchema } from "../../../postgres/user-objects.js";
import { displayName } from "../../../schema/display-name.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule, RuleFinding } from "../../rule.js";

/**
 * Tables whose rows the subscriber could not find: PostgreSQL docs, "Logical Replication: Publication". A deferrable key is none, an index that was
 * dropped is none, and FULL compares whole rows where there is no primary key, which takes an equality operator of a btree or hash class for each
 * type; json, xml and the geometric types have none.
 */
const tablesWithoutIdentity = `
  with tables as (
    select
      n.nspname as schema,
      c.relname as name,
      c.relreplident = 'f' as is_full,
      case
        when c.relreplident in ('d', 'f') then exists (
          select
          from pg_catalog.pg_index as i
          where i.indrelid = c.oid
            and i.indisprimary
            and i.indimmediate
            and i.indisvalid
        )
        when c.relreplident = 'i' then exists (
          select
          from pg_catalog.pg_index as i
          where i.indrelid = c.oid
            and i.indisreplident
            and i.indimmediate
            and i.indisvalid
        )
        else false
      end as has_key,
      array(
        select a.attname::text
        from pg_catalog.pg_attribute as a
        join pg_catalog.pg_type as t on t.oid = a.atttypid
        left join pg_catalog.pg_type as element on element.oid = t.typelem and t.typlen = -1
        where a.attrelid = c.oid
          and a.attnum > 0
          and not a.attisdropped
          and t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
          and coalesce(element.typname, t.typname) in (
            'json', 'xml', 'point', 'line', 'lseg', 'box', 'path', 'polygon', 'circle', 'txid_snapshot', 'pg_snapshot'
          )
        order by a.attnum
      ) as incomparable
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind = 'r'
      and c.relpersistence = 'p'
      and ${userSchema("n")}
      and ${ofNoExtension("pg_class", "c.oid")}
  )
  select schema, name, incomparable
  from tables
  where not has_key
    and (not is_full or incomparable <> '{}')
  order by schema, name
`;

interface TableWithoutIdentity {
  readonly schema: string;
  readonly name: string;
  /** Columns whose values cannot be compared. */
  readonly incomparable: readonly string[];
}

/** Publications came with it. */
const oldestPublisher = 100_000;

/** Generated columns are not published: a row cannot be found by them, and from 18 on the source would refuse to change it. */
function findingOfComputed(tables: readonly PublishableTable[]): RuleFinding {
  const names = tables.map(({ schema, name }) => displayName(schema, name));
  const statements = tables
    .filter(({ hasPlainKey }) => hasPlainKey)
    .map(({ schema, name }) => `ALTER TABLE ${qualifiedName(schema, name)} REPLICA IDENTITY DEFAULT;`);
  return {
    state: "Warning",
    message:
      `${named("table", "tables", names)}: the replica identity has generated columns, which are not replicated, so only inserts and TRUNCATE are: updates and deletes ` +
      "would be missing on the target. Let a primary key without such columns identify the rows." +
      (statements.length === 0 ? "" : runOn("source", statements)),
  };
}

export const rule: DatabaseRule = {
  id: "replica-identity",
  title: "Updates and deletes of every table can be replicated",
  scope: "database",
  modes: ["Online"],
  remedy: "Add a primary key, or `ALTER TABLE … REPLICA IDENTITY FULL`.",
  async check({ source, sourceVersion }) {
    if (sourceVersion < oldestPublisher) return [];
    const { rows } = await source.query<TableWithoutIdentity>(tablesWithoutIdentity);
    const comparable = rows.filter(({ incomparable }) => incomparable.length === 0);
    const others = rows.filter(({ incomparable }) => incomparable.length > 0);
    const findings: RuleFinding[] = [];
    if (comparable.length > 0) {
      const names = comparable.map(({ schema, name }) => displayName(schema, name));
      const statements = comparable.map(
        ({ schema, name }) => `ALTER TABLE ${qualifiedName(schema, name)} REPLICA IDENTITY FULL;`,
      );
      findings.push({
        state: "Warning",
        message:
          `${named("table", "tables", names)}: no primary key and no other replica identity, so only inserts and TRUNCATE are replicated: ` +
          `updates and deletes would be missing on the target. Add a primary key, or let whole rows identify themselves.${runOn("source", statements)}`,
      });
    }
    if (others.length > 0) {
      const names = others.map(
        ({ schema, name, incomparable }) =>
          `${displayName(schema, name)} with ${incomparable.map((column) => displayName(column)).join(", ")}`,
      );
      findings.push({
        state: "Warning",
        message:
          `${named("table", "tables", names)}: no primary key, and REPLICA IDENTITY FULL does not help, for values of these columns cannot be compared: ` +
          "an update or delete would stop the replication. Add a primary key, or do not update or delete rows until the cutover.",
      });
    }
    const told = new Set(rows.map(({ schema, name }) => qualifiedName(schema, name)));
    const computed = (await listPublishableTables(source, anyMigrationPrefix)).filter(
      ({ schema, name, logged, identified, hasGenerated }) =>
        logged && !identified && hasGenerated && !told.has(qualifiedName(schema, name)),
    );
    if (computed.length > 0) findings.push(findingOfComputed(computed));
    return findings;
  },
};
