import { qualifiedName, quoteIdentifier } from "../../../postgres/identifiers.js";
import { ofNoExtension, userSchema } from "../../../postgres/user-objects.js";
import { displayName } from "../../../schema/display-name.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule, RuleFinding } from "../../rule.js";

/** From this version on a server refuses updates and deletes of such tables (PostgreSQL docs, "Generated Column Replication"). */
const refusing = 180_000;

/** Columns are computed from this version on. */
const generatedColumns = 120_000;

/** Tables whose updates or deletes the user's publications publish, and whose identity has computed columns. */
const publishedIdentities = `
  select
    n.nspname as schema,
    c.relname as name,
    array_agg(distinct p.pubname::text order by p.pubname::text) as publications,
    exists (
      select
      from pg_catalog.pg_index as i
      where i.indrelid = c.oid
        and i.indisprimary
        and i.indimmediate
        and not exists (
          select
          from pg_catalog.pg_attribute as a
          where a.attrelid = c.oid
            and a.attnum = any (i.indkey)
            and a.attgenerated <> ''
        )
    ) as has_plain_key
  from pg_catalog.pg_publication as p
  join pg_catalog.pg_publication_tables as published on published.pubname = p.pubname
  join pg_catalog.pg_namespace as n on n.nspname = published.schemaname
  join pg_catalog.pg_class as c on c.relnamespace = n.oid and c.relname = published.tablename
  where (p.pubupdate or p.pubdelete)
    and left(p.pubname, 6) <> 'pgmig_'
    and ${userSchema("n")}
    and ${ofNoExtension("pg_class", "c.oid")}
    and exists (
      select
      from pg_catalog.pg_attribute as a
      where a.attrelid = c.oid
        and a.attnum > 0
        and not a.attisdropped
        and a.attgenerated <> ''
        and (
          c.relreplident = 'f'
          or exists (
            select
            from pg_catalog.pg_index as i
            where i.indrelid = c.oid
              and a.attnum = any (i.indkey)
              and case c.relreplident when 'd' then i.indisprimary when 'i' then i.indisreplident else false end
          )
        )
    )
  group by n.nspname, c.relname, c.oid
  order by n.nspname, c.relname
`;

export const rule: DatabaseRule = {
  id: "published-generated-columns",
  title: "The target takes updates of every table that is published",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy:
    "`ALTER TABLE … REPLICA IDENTITY DEFAULT` on the source, or `ALTER PUBLICATION … SET (publish_generated_columns = stored)` on the target after the migration.",
  async check({ source, sourceVersion, targetVersion }) {
    if (targetVersion < refusing || sourceVersion < generatedColumns || sourceVersion >= refusing) return [];
    const { rows } = await source.query<{
      schema: string;
      name: string;
      publications: string[];
      has_plain_key: boolean;
    }>(publishedIdentities);
    if (rows.length === 0) return [];
    const names = rows.map(({ schema, name }) => displayName(schema, name));
    const publications = [...new Set(rows.flatMap((row) => row.publications))];
    const withKey = rows.filter(({ has_plain_key }) => has_plain_key);
    const refused = `${named("table", "tables", names)}: published, and the replica identity has generated columns that are not`;
    const findings: RuleFinding[] = [
      {
        state: "Warning",
        message:
          `${refused}. From PostgreSQL 18 on a server refuses updates and deletes of such tables, so the application's first one fails on the target. Have the columns ` +
          `published there after the migration.${runOn(
            "target",
            publications.map(
              (name) => `ALTER PUBLICATION ${quoteIdentifier(name)} SET (publish_generated_columns = stored);`,
            ),
          )}`,
      },
    ];
    if (withKey.length > 0) {
      findings.push({
        state: "Warning",
        message: `${refused}. Their primary keys have none: let those identify the rows, before the migration.${runOn(
          "source",
          withKey.map(({ schema, name }) => `ALTER TABLE ${qualifiedName(schema, name)} REPLICA IDENTITY DEFAULT;`),
        )}`,
      });
    }
    return findings;
  },
};
