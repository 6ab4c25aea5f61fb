/** After the cutover point: sequences, materialized views, and the proof. */
import type pg from "pg";
import { readBaseObjects } from "../ledger/base-objects.js";
import { replicationNames } from "../model/replication-names.js";
import { ServiceError } from "../model/service-error.js";
import type { DatabaseRun } from "../model/steps.js";
import type { Verification } from "../model/verification.js";
import { withConnection } from "../postgres/connect.js";
import { qualifiedName } from "../postgres/identifiers.js";
import { readLateChanges } from "../postgres/late-changes.js";
import { describeOpenTransactions, listOpenTransactions } from "../postgres/open-transactions.js";
import { readSlot } from "../postgres/replication-slot.js";
import { serverVersion } from "../postgres/source-tables.js";
import { readAppliedPoint } from "../postgres/subscription.js";
import { compareAtCutover } from "../proof/compare-at-cutover.js";
import { differenceRemedy } from "../proof/explain-difference.js";
import { refreshView } from "../run/refresh-view.js";
import { type MigrationServers, serversOf } from "../run/servers.js";
import { setSequences } from "../run/set-sequences.js";
import { addWarnings } from "../run/warnings.js";
import { displayName } from "../schema/display-name.js";
import { listMaterializedViews } from "../schema/list-materialized-views.js";
import { settings } from "../settings.js";
import { recordDatabase } from "../status/databases.js";
import { renamedObjects } from "./base-changes.js";
import { readSourceNow } from "./look-at-base.js";

/**
 * Verifies tables from number `from` on, after it has set the sequences and refreshed the materialized views (from 0).
 * @returns where to go on when the activity budget was used up; null when all is done
 * @throws ServiceError RowsDiffer naming the table and the counts
 */
export async function completeCutover(run: DatabaseRun, from: number): Promise<{ next: number | null }> {
  const deadline = Date.now() + settings().activityBudgetSeconds * 700;
  const servers = await serversOf(run.key);
  const verification = servers.spec.verifyAtCutover ?? settings().verifyAtCutover;
  if (from === 0) {
    await recordDatabase(run.key, run.database, {
      currentStep: "completing the cutover",
      // Everything up to the cutover point is applied.
      latencySeconds: 0,
      message: "",
    });
    const [refreshed] = await Promise.all([refresh(run, servers, deadline), setSequences(servers, run)]);
    if (!refreshed) return { next: 0 };
  }
  return await withConnection(servers.source(run.database, "verify"), async (source) => {
    return await withConnection(servers.target(run.database, "verify"), async (target) => {
      const next = await compare(run, source, target, { from, deadline, verification });
      if (next === null) await warnOfLateChanges(run, source, target);
      return { next };
    });
  });
}

/** False when a view is still being refreshed in the server. */
async function refresh(run: DatabaseRun, servers: MigrationServers, deadline: number): Promise<boolean> {
  const { refreshMaterializedViews, instance } = settings();
  if (!refreshMaterializedViews) return true;
  const connection = servers.target(run.database, "schema");
  const views = await withConnection(connection, listMaterializedViews);
  for (const { schema, name } of views) {
    const object = `materialized view ${displayName(schema, name)}`;
    const view = qualifiedName(schema, name);
    const statement = {
      id: `cutover/${view}`,
      sql: `refresh materialized view ${view}`,
      object,
      view: { schema, name },
    };
    const deadlineMs = Math.max(1_000, deadline - Date.now());
    if ((await refreshView(run, connection, statement, { deadlineMs, instance })) === "running") return false;
  }
  return true;
}

/** A table of the base copy that is still on the source, by the name that it has there now. */
interface Table {
  readonly schema: string;
  readonly name: string;
  /** A count cannot tell it from another table that had its name. */
  readonly renamed: boolean;
  /** Updates and deletes that were not replicated, since the server's statistics began; 0 where all are. */
  readonly missedChanges: number;
}

/** Compares every replicated table: its counts on both sides, or its contents. */
async function compare(
  run: DatabaseRun,
  source: pg.Client,
  target: pg.Client,
  { from, deadline, verification }: { from: number; deadline: number; verification: Verification },
): Promise<number | null> {
  const tables = await tablesToCompare(run, source, target);
  for (let index = from; index < tables.length; index++) {
    if (Date.now() >= deadline) return index;
    const table = tables[index];
    if (table !== undefined) await compareTable(run, source, target, verification, table);
  }
  return null;
}

/** In the order of their OIDs. Those that are renamed on one side only, or replaced, are told by whoever let the cutover go on. */
async function tablesToCompare(run: DatabaseRun, source: pg.Client, target: pg.Client): Promise<Table[]> {
  const names = replicationNames(run.key, run.database, run.attempt);
  const { relations, tables } = await readSourceNow(source, names);
  const base = await readBaseObjects(target);
  const onSource = new Map(relations.map((relation) => [relation.oid, relation]));
  const followed = (base ?? relations).filter(({ kind, publication }) => kind === "table" && publication !== undefined);
  const apart = new Set(renamedObjects(followed, onSource).map((renamed) => renamed.source));
  return followed.flatMap((object) => {
    const is = onSource.get(object.oid);
    if (is === undefined || apart.has(is)) return [];
    const { schema, name } = is;
    const changes = tables.find(({ oid }) => oid === object.oid)?.changes ?? 0;
    const missedChanges = object.publication === names.insertsOnly ? changes : 0;
    return [{ schema, name, renamed: schema !== object.schema || name !== object.name, missedChanges }];
  });
}

async function compareTable(
  run: DatabaseRun,
  source: pg.Client,
  target: pg.Client,
  verification: Verification,
  table: Table,
): Promise<void> {
  const name = qualifiedName(table.schema, table.name);
  const limitMs = settings().activityBudgetSeconds * 700;
  const outcome = await compareAtCutover(table, {
    source,
    target,
    verification: table.renamed ? "Checksums" : verification,
    limitMs,
  });
  if (outcome.kind !== "differs") {
    if (outcome.warning !== undefined) await addWarnings(run.key, run.database, [outcome.warning]);
    return;
  }
  if (table.missedChanges > 0) {
    await addWarnings(run.key, run.database, [
      `Table ${name} differs on both sides, for its updates and deletes could not be replicated (it has no primary key or replica identity): ${outcome.message} ` +
        "To mend it while nobody writes to it: TRUNCATE it on the target, and copy its rows with pg_dump --data-only --table.",
    ]);
    return;
  }
  // Somebody may be writing to the source still: those changes are in the slot, and are told apart from a loss.
  const late = await lateChanges(run, source, target);
  if (late.more || late.tables.has(`${table.schema}.${table.name}`)) return;
  throw new ServiceError("RowsDiffer", `At the cutover: ${outcome.message} ${differenceRemedy}`, { target: name });
}

async function warnOfLateChanges(run: DatabaseRun, source: pg.Client, target: pg.Client): Promise<void> {
  const open = await listOpenTransactions(source);
  if (open.length > 0) {
    await addWarnings(run.key, run.database, [
      `Transactions that began after the cutover are open on the source: what they commit is not on the target. ${describeOpenTransactions(open)}.`,
    ]);
  }
  const late = await lateChanges(run, source, target);
  if (late.total === 0) {
    if (late.more) {
      await addWarnings(run.key, run.database, [
        "Changes reached the source after the cutover point and are not on the target: more than the source could tell in time.",
      ]);
    }
    return;
  }
  const tables = [...late.tables].map(([table, changes]) => `${table} (${changes})`).slice(0, 20);
  await addWarnings(run.key, run.database, [
    `${late.more ? "At least " : ""}${late.total} row changes reached the source after the cutover point and are not on the target: ${tables.join(", ")}.`,
  ]);
}

async function lateChanges({ key, database, attempt }: DatabaseRun, source: pg.Client, target: pg.Client) {
  const names = replicationNames(key, database, attempt);
  const applied = await readAppliedPoint(target, names.subscription);
  // Without the target's own account, what it has confirmed counts as applied.
  const confirmed = applied ?? (await readSlot(source, names.slot, await serverVersion(source)))?.confirmed;
  return await readLateChanges(source, names, confirmed ?? "0/0");
}
