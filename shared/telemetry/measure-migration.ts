/** The spans of a migration and of its databases, which end when they do; and what is measured of them. */
import { SpanStatusCode, type TimeInput } from "@opentelemetry/api";
import { getDatabase } from "../status/databases.js";
import { getMigration } from "../status/migrations.js";
import { context, meter, startExporting, trace, tracer, withSpanIds } from "./exporters.js";
import { outerSpan } from "./trace-identity.js";

/** The migration has ended: its span, from its creation, and a count of how migrations end. */
export async function measureEndedMigration(key: string): Promise<void> {
  await startExporting();
  const row = await getMigration(key);
  if (row === undefined) return;
  const labels = { "migration.key": key, "migration.state": row.state, "migration.mode": row.mode };
  const span = withSpanIds(outerSpan(key), () =>
    tracer().startSpan("migration", { root: true, startTime: timeOf(row.createdOn), attributes: labels }),
  );
  if (row.state === "Failed" || row.state === "ValidationFailed") span.setStatus({ code: SpanStatusCode.ERROR });
  span.end(timeOf(row.endedOn));
  meter().createCounter("migration.ended", { description: "Migrations that have ended, by state" }).add(1, labels);
}

/** The database has ended: its span, and how much was copied. */
export async function measureEndedDatabase(key: string, database: string): Promise<void> {
  await startExporting();
  const row = await getDatabase(key, database);
  if (row === undefined) return;
  const labels = { "migration.key": key, "db.namespace": database };
  const parent = trace.setSpanContext(context.active(), outerSpan(key));
  const attributes = { ...labels, "db.system.name": "postgresql", "migration.state": row.state };
  const span = withSpanIds(outerSpan(key, database), () =>
    tracer().startSpan("database", { startTime: timeOf(row.startedOn), attributes }, parent),
  );
  if (row.state === "Failed") span.setStatus({ code: SpanStatusCode.ERROR });
  span.end(timeOf(row.endedOn));
  const counter = (name: string, unit: string, value: number) =>
    meter().createCounter(name, { unit }).add(value, labels);
  counter("migration.copied.bytes", "By", row.bytesCopied);
  counter("migration.copied.rows", "{row}", row.rowsCopied);
  counter("migration.copied.tables", "{table}", row.tablesCompleted);
}

/** How far a database that follows its source is behind. */
export async function measureReplication(key: string, database: string): Promise<void> {
  await startExporting();
  const row = await getDatabase(key, database);
  if (row === undefined) return;
  const labels = { "migration.key": key, "db.namespace": database };
  meter()
    .createGauge("migration.replication.latency", { unit: "s", description: "Age of the oldest commit not applied" })
    .record(row.latencySeconds ?? 0, labels);
  meter()
    .createGauge("migration.replication.retained_wal", {
      unit: "By",
      description: "Write-ahead log that the source keeps for it, from what the target has confirmed on",
    })
    .record(Math.max(0, (row.incomingChanges ?? 0) - (row.appliedChanges ?? 0)), labels);
}

function timeOf(text: string | undefined): TimeInput {
  return text === undefined ? new Date() : new Date(text);
}
