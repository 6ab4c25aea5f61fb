/** The slot on the source that keeps every change since the base copy's snapshot. */
import type pg from "pg";
import type { ClientBase } from "pg";
import { ServiceError } from "../model/service-error.js";
import { abandonSession, type ConnectOptions, connect, endSession } from "./connect.js";

export interface CreatedSlot {
  /** The exported snapshot: what the database looked like where the slot begins. It lives as long as `session`. */
  readonly snapshot: string;
  /** Where the slot begins: an LSN, as text. */
  readonly consistentPoint: string;
  /** Ends the replication connection, and with it the exported snapshot. */
  end(): Promise<void>;
}

/** PostgreSQL waits with a new slot for the transactions that are under way: these. */
const transactionsInTheWay = `
  select pid, coalesce(application_name, '') as application, xact_start::text as since
  from pg_catalog.pg_stat_activity
  where backend_xid is not null
    and pid <> pg_catalog.pg_backend_pid()
  order by xact_start
  limit 3
`;

/**
 * Creates a logical slot and exports its snapshot (PostgreSQL docs, "Streaming Replication Protocol", CREATE_REPLICATION_SLOT).
 * @param limitSeconds how long to wait for transactions that are under way.
 * @throws ServiceError SlotNotCreated naming them when they do not end in time.
 */
export async function createSlot(
  options: ConnectOptions,
  slot: string,
  limitSeconds: number,
  observer: ClientBase,
): Promise<CreatedSlot> {
  const client = await connect({ ...options, replication: true });
  const creating = client.query<{ snapshot_name: string; consistent_point: string }>(
    `CREATE_REPLICATION_SLOT "${slot}" LOGICAL pgoutput EXPORT_SNAPSHOT`,
  );
  let limit: NodeJS.Timeout | undefined;
  try {
    const outcome = await Promise.race([
      creating,
      new Promise<"late">((resolve) => {
        limit = setTimeout(() => resolve("late"), limitSeconds * 1_000);
      }),
    ]);
    if (outcome === "late") throw await slotNotCreated(observer, client, limitSeconds);
    const row = outcome.rows[0];
    if (row === undefined) throw new ServiceError("SlotNotCreated", `The source made no slot ${slot}.`);
    return {
      snapshot: row.snapshot_name,
      consistentPoint: row.consistent_point,
      end: () => endSession(client),
    };
  } catch (error) {
    creating.catch(() => {});
    abandonSession(client);
    throw error;
  } finally {
    clearTimeout(limit);
  }
}

async function slotNotCreated(observer: ClientBase, waiting: pg.Client, seconds: number): Promise<ServiceError> {
  const { rows } = await observer.query<{ pid: number; application: string; since: string }>(transactionsInTheWay);
  // The command waits for locks and does not look at its client: it has to be told to stop.
  await observer.query("select pg_catalog.pg_terminate_backend($1)", [backendPid(waiting)]);
  const who = rows.map(({ pid, application, since }) => `pid ${pid} (${application}, since ${since})`).join(", ");
  return new ServiceError(
    "SlotNotCreated",
    `The source has not begun the replication slot within ${Math.round(seconds)} s: it waits for transactions to end` +
      `${who === "" ? "" : `: ${who}`}. End them, or prepared transactions (pg_prepared_xacts), and migrate again.`,
  );
}

function backendPid(client: pg.Client): number {
  return (client as pg.Client & { processID?: number | null }).processID ?? 0;
}

export interface SlotStatus {
  readonly slot: string;
  readonly active: boolean;
  /** What the target has confirmed to have applied, and the source's end of WAL; both on disk. */
  readonly confirmed: string;
  readonly current: string;
  /** Bytes of WAL between the two. */
  readonly behind: number;
  /** Why the source sends nothing from the slot any more, in its own word (rows_removed, wal_removed, wal_level_insufficient, idle_timeout); null while it does. */
  readonly lost: string | null;
  /** The source's clock, milliseconds. */
  readonly at: number;
}

/** invalidation_reason came with 17, wal_status with 13. */
const whyLost = (version: number): string => {
  if (version >= 170_000) return "coalesce(invalidation_reason, case when wal_status = 'lost' then 'wal_removed' end)";
  return version >= 130_000 ? "case when wal_status = 'lost' then 'wal_removed' end" : "null";
};

const slotStatus = (version: number) => `
  select
    slot_name as slot,
    active,
    confirmed_flush_lsn::text as confirmed,
    pg_catalog.pg_current_wal_flush_lsn()::text as current,
    greatest(0, pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_flush_lsn(), confirmed_flush_lsn))::float8 as behind,
    ${whyLost(version)} as lost,
    (extract(epoch from pg_catalog.clock_timestamp()) * 1000)::float8 as at
  from pg_catalog.pg_replication_slots
  where slot_name = $1
`;

/** The slot as it is now; undefined when there is none. */
export async function readSlot(source: ClientBase, slot: string, version: number): Promise<SlotStatus | undefined> {
  return (await source.query<SlotStatus>(slotStatus(version), [slot])).rows[0];
}

/** What keeps a slot, by the reason that the source gives for its end (PostgreSQL docs, pg_replication_slots, invalidation_reason). */
const remedies: Readonly<Record<string, string>> = {
  wal_removed: "its max_slot_wal_keep_size was exceeded: raise it on the source",
  idle_timeout: "nobody read it for longer than its idle_replication_slot_timeout: set that to 0 on the source",
  wal_level_insufficient: "its wal_level was lowered: set it to logical on the source again, and restart it",
  rows_removed: "rows of its catalog were removed: migrate from the primary",
};

/** That changes are missing, and what to do so that they will not be the next time. */
export function slotLost(name: string, slot: SlotStatus | undefined): ServiceError {
  if (slot === undefined) {
    return new ServiceError(
      "SlotLost",
      `Somebody has dropped replication slot ${name} from the source: changes are missing since then. Migrate the database again.`,
    );
  }
  const why = remedies[slot.lost ?? ""] ?? `its word for it: ${slot.lost}`;
  return new ServiceError(
    "SlotLost",
    `The source has invalidated replication slot ${name} (${why}): changes are missing. Then migrate the database again.`,
  );
}

/**
 * Takes and releases the slot without moving it: from then on it counts as not idle (PostgreSQL docs, idle_replication_slot_timeout). While the target reads it,
 * there is no need to.
 */
export async function touchSlot(source: ClientBase, slot: string): Promise<void> {
  await source.query(touch, [slot]);
}

const touch = `
  select pg_catalog.pg_replication_slot_advance(slot_name, confirmed_flush_lsn)
  from pg_catalog.pg_replication_slots
  where slot_name = $1
    and not active
`;

const ourSlots = `
  select slot_name as slot, active_pid as pid
  from pg_catalog.pg_replication_slots
  where left(slot_name, length($1)) = $1
`;

/**
 * Drops every slot with this prefix, ending who reads from it: the target's worker comes back every few seconds, so this may take some attempts. Converges.
 * @throws Error when one is still there after `limitSeconds`.
 */
export async function dropSlots(source: ClientBase, prefix: string, limitSeconds = 10): Promise<void> {
  const deadline = Date.now() + limitSeconds * 1_000;
  for (;;) {
    const { rows } = await source.query<{ slot: string; pid: number | null }>(ourSlots, [prefix]);
    if (rows.length === 0) return;
    let problem: unknown;
    for (const { slot, pid } of rows) {
      try {
        if (pid !== null) await source.query("select pg_catalog.pg_terminate_backend($1)", [pid]);
        await source.query("select pg_catalog.pg_drop_replication_slot($1)", [slot]);
      } catch (error) {
        problem = error;
      }
    }
    if (problem !== undefined) {
      if (Date.now() >= deadline) throw problem;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
