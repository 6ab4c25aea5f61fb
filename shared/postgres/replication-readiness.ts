/** Whether two servers can replicate logically: settings that need a restart, room for slots and workers, privileges. */
import type { ClientBase } from "pg";
import { DatabaseError } from "pg";
import { ServiceError } from "../model/service-error.js";
import { quoteIdentifier } from "./identifiers.js";

/** CREATE_REPLICATION_SLOT … EXPORT_SNAPSHOT and publications came with 10. */
const oldestSource = 100_000;

const sourceSettings = `
  select
    pg_catalog.current_setting('server_version_num')::int as version,
    pg_catalog.current_setting('wal_level') as wal_level,
    pg_catalog.current_setting('max_replication_slots')::int as slots,
    pg_catalog.current_setting('max_wal_senders')::int as senders,
    (select count(*)::int from pg_catalog.pg_replication_slots where left(slot_name, length($1)) <> $1) as slots_used,
    (
      select count(*)::int
      from pg_catalog.pg_stat_replication
      where left(application_name, length($1)) <> $1
    ) as senders_used,
    current_user::text as user,
    role.rolsuper or role.rolreplication or exists (
      select
      from pg_catalog.pg_roles as azure
      where azure.rolname in ('azure_pg_admin', 'rds_replication', 'cloudsqlsuperuser')
        and pg_catalog.pg_has_role(current_user, azure.oid, 'member')
    ) as may_replicate,
    pg_catalog.pg_is_in_recovery() as standby
  from pg_catalog.pg_roles as role
  where role.rolname = current_user
`;

interface SourceSettings {
  readonly version: number;
  readonly wal_level: string;
  readonly slots: number;
  readonly senders: number;
  readonly slots_used: number;
  readonly senders_used: number;
  readonly user: string;
  readonly may_replicate: boolean;
  readonly standby: boolean;
}

/** A setting that has to be changed, with what it has to be at least. */
export interface MissingSetting {
  readonly name: "wal_level" | "max_replication_slots" | "max_wal_senders";
  readonly is: string;
  readonly wanted: string;
}

/**
 * The source's settings that have to be changed before `databases` databases can be followed; all need a restart.
 * @param prefix what our own slots' names start with: they are not in our own way
 * @throws ServiceError SourceTooOld, SourceIsStandby, ReplicationPrivilegeMissing: what no restart mends
 */
export async function missingSourceSettings(
  source: ClientBase,
  databases: number,
  prefix: string,
): Promise<MissingSetting[]> {
  const { rows } = await source.query<SourceSettings>(sourceSettings, [prefix]);
  const [is] = rows;
  if (is === undefined) throw new ServiceError("RoleNotFound", "The source user is no role of the source.");
  if (is.version < oldestSource) {
    throw new ServiceError(
      "SourceTooOld",
      "Online migrations need a source of PostgreSQL 10 or later. Migrate Offline, or upgrade the source first.",
    );
  }
  if (is.standby) {
    throw new ServiceError("SourceIsStandby", "The source is a standby. Migrate from its primary.");
  }
  if (!is.may_replicate) {
    throw new ServiceError(
      "ReplicationPrivilegeMissing",
      `${is.user} may not create replication slots. Run on the source: ALTER ROLE ${quoteIdentifier(is.user)} REPLICATION;`,
    );
  }
  const missing: MissingSetting[] = [];
  if (is.wal_level !== "logical") missing.push({ name: "wal_level", is: is.wal_level, wanted: "logical" });
  const need = (name: "max_replication_slots" | "max_wal_senders", present: number, used: number) => {
    if (present - used >= databases) return;
    missing.push({ name, is: String(present), wanted: String(used + databases) });
  };
  need("max_replication_slots", is.slots, is.slots_used);
  need("max_wal_senders", is.senders, is.senders_used);
  return missing;
}

/** Sets them for the source's next start. @throws ServiceError SettingRefused where we may not. */
export async function changeSourceSettings(source: ClientBase, missing: readonly MissingSetting[]): Promise<void> {
  for (const { name, wanted } of missing) {
    try {
      await source.query(`alter system set ${name} = '${wanted}'`);
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      throw new ServiceError("SettingRefused", error.message, { cause: error });
    }
  }
}

const targetSettings = `
  select
    pg_catalog.current_setting('server_version_num')::int as version,
    pg_catalog.current_setting('max_logical_replication_workers')::int as workers,
    pg_catalog.current_setting('max_worker_processes')::int as processes,
    pg_catalog.current_setting(
      case
        when pg_catalog.current_setting('max_active_replication_origins', true) is null then 'max_replication_slots'
        else 'max_active_replication_origins'
      end
    )::int as origins,
    (select count(*)::int from pg_catalog.pg_replication_origin) as origins_used,
    (
      select count(*)::int
      from pg_catalog.pg_stat_activity
      where backend_type in ('logical replication worker', 'logical replication apply worker')
    ) as workers_used
`;

interface TargetSettings {
  readonly version: number;
  readonly workers: number;
  readonly processes: number;
  readonly origins: number;
  readonly origins_used: number;
  readonly workers_used: number;
}

const subscriptionPrivilege = `
  select
    current_user::text as user,
    pg_catalog.current_setting('server_version_num')::int as version,
    role.rolsuper or exists (
      select
      from pg_catalog.pg_roles as granted
      where granted.rolname in ('pg_create_subscription', 'azure_pg_admin', 'rds_superuser', 'cloudsqlsuperuser')
        and pg_catalog.pg_has_role(current_user, granted.oid, 'member')
    ) as may_subscribe
  from pg_catalog.pg_roles as role
  where role.rolname = current_user
`;

/** What the target user lacks to create a subscription, with the statement that mends it; undefined when it may. */
export async function missingSubscriptionPrivilege(target: ClientBase): Promise<string | undefined> {
  const { rows } = await target.query<{ user: string; version: number; may_subscribe: boolean }>(subscriptionPrivilege);
  const [is] = rows;
  if (is === undefined || is.may_subscribe) return undefined;
  const user = quoteIdentifier(is.user);
  return is.version >= 160_000
    ? `${is.user} may not create subscriptions. Run on the target: GRANT pg_create_subscription TO ${user};`
    : `${is.user} may not create subscriptions: before PostgreSQL 16 that takes a superuser. Run on the target: ALTER ROLE ${user} SUPERUSER;`;
}

/** @throws ServiceError TargetCapacityMissing, SubscriptionPrivilegeMissing: with the settings and statements that mend it */
export async function checkTarget(target: ClientBase, databases: number): Promise<void> {
  const refusal = await missingSubscriptionPrivilege(target);
  if (refusal !== undefined) throw new ServiceError("SubscriptionPrivilegeMissing", refusal);
  const { rows } = await target.query<TargetSettings>(targetSettings);
  const [is] = rows;
  if (is === undefined) throw new Error("the target answered no settings");
  const short = [
    ["max_logical_replication_workers", is.workers, is.workers_used + databases],
    // One for the launcher itself.
    ["max_worker_processes", is.processes, is.workers_used + databases + 1],
    [
      is.version >= 180_000 ? "max_active_replication_origins" : "max_replication_slots",
      is.origins,
      is.origins_used + databases,
    ],
  ].filter(([, present, wanted]) => Number(present) < Number(wanted));
  if (short.length > 0) {
    const settings = short.map(([name, present, wanted]) => `${name} is ${present} and must be at least ${wanted}`);
    throw new ServiceError(
      "TargetCapacityMissing",
      `The target has no room for ${databases} subscriptions: ${settings.join(", ")}. Change it (ALTER SYSTEM SET …), restart the target, and migrate again.`,
    );
  }
}
