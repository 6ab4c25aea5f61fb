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
  /** Whether the source has removed WAL that the slot needs. */
  readonly lost: boolean;
  /** The source's clock, milliseconds. */
  readonly at: number;
}

const slotStatus = (walStatus: boolean) => `
  select
    slot_name as slot,
    active,
    confirmed_flush_lsn::text as confirmed,
    pg_catalog.pg_current_wal_flush_lsn()::text as current,
    greatest(0, pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_flush_lsn(), confirmed_flush_lsn))::float8 as behind,
    ${walStatus ? "coalesce(wal_status = 'lost', false)" : "false"} as lost,
    (extract(epoch from pg_catalog.clock_timestamp()) * 1000)::float8 as at
  from pg_catalog.pg_replication_slots
  where slot_name = $1
`;

/** The slot as it is now; undefined when there is none. */
export async function readSlot(source: ClientBase, slot: string, version: number): Promise<SlotStatus | undefined> {
  return (await source.query<SlotStatus>(slotStatus(version >= 130_000), [slot])).rows[0];
}

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
