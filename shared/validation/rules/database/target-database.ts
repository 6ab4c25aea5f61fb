import { quoteIdentifier } from "../../../postgres/identifiers.js";
import { runOn } from "../../corrective-action.js";
import { listed } from "../../listed.js";
import type { DatabaseRule, RuleFinding } from "../../rule.js";

// Size only where it may be asked for: it needs the right to connect. What keeps DROP DATABASE from working even with force: PostgreSQL docs, DROP
// DATABASE.
const targetDatabase = `
  select
    case
      when pg_catalog.has_database_privilege(d.oid, 'connect')
      then pg_catalog.pg_size_pretty(pg_catalog.pg_database_size(d.oid))
    end as size,
    pg_catalog.pg_has_role(d.datdba, 'usage') as ours,
    current_user::text as user,
    array(
      select s.subname::text
      from pg_catalog.pg_subscription as s
      where s.subdbid = d.oid
    ) as subscriptions,
    array(
      select x.gid
      from pg_catalog.pg_prepared_xacts as x
      where x.database = d.datname
    ) as prepared,
    array(
      select s.slot_name::text
      from pg_catalog.pg_replication_slots as s
      where s.database = d.datname
        and s.active
    ) as slots
  from pg_catalog.pg_database as d
  where d.datname = $1
`;

interface TargetDatabase {
  readonly size: string | null;
  readonly ours: boolean;
  readonly user: string;
  readonly subscriptions: readonly string[];
  readonly prepared: readonly string[];
  readonly slots: readonly string[];
}

export const rule: DatabaseRule = {
  id: "target-database",
  title: "The database is not yet on the target, or may be replaced there",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Drop or rename the target's database, or set `overwriteDbsInTarget` to `True`.",
  async check({ target, database, spec }) {
    const { rows } = await target.query<TargetDatabase>(targetDatabase, [database]);
    const [found] = rows;
    if (found === undefined) return [];
    const name = quoteIdentifier(database);
    if (!spec.overwriteDbsInTarget) {
      return [
        {
          state: "Failed",
          message:
            `Database ${database} is on the target already and overwriteDbsInTarget is False. Set it to True, ` +
            `rename the database there, or drop it.${runOn("target", [`DROP DATABASE ${name};`])}`,
        },
      ];
    }
    return [
      {
        state: "Warning",
        message:
          `Database ${database} is on the target already${found.size === null ? "" : ` (${found.size})`}: it will be ` +
          "dropped with all its contents and its sessions ended, for overwriteDbsInTarget is True. Rename it there if it is still needed." +
          runOn("target", [`ALTER DATABASE ${name} RENAME TO ${quoteIdentifier(newName(database))};`]),
      },
      ...obstacles(database, found),
    ];
  },
};

/** What would make DROP DATABASE fail. */
function obstacles(database: string, found: TargetDatabase): RuleFinding[] {
  const failed = (why: string): RuleFinding => ({
    state: "Failed",
    message: `Database ${database} on the target cannot be replaced: ${why}`,
  });
  const findings: RuleFinding[] = [];
  if (!found.ours) {
    const statement = `ALTER DATABASE ${quoteIdentifier(database)} OWNER TO ${quoteIdentifier(found.user)};`;
    findings.push(failed(`it does not belong to ${found.user}.${runOn("target", [statement])}`));
  }
  if (found.subscriptions.length > 0) {
    findings.push(failed(`drop its subscriptions first: ${listed(found.subscriptions)}.`));
  }
  if (found.prepared.length > 0) {
    findings.push(failed(`commit or roll back its prepared transactions first: ${listed(found.prepared)}.`));
  }
  if (found.slots.length > 0) {
    findings.push(failed(`stop the consumers of its replication slots first: ${listed(found.slots)}.`));
  }
  return findings;
}

/** A name that fits into 63 bytes. */
function newName(database: string): string {
  let start = database;
  while (Buffer.byteLength(start) > 58) start = [...start].slice(0, -1).join("");
  return `${start}_old`;
}
