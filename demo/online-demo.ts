import type { EmbeddedServer } from "../test/fixtures/embedded-server.js";
import {
  hasEnded,
  type MigrationAnswer,
  MigrationClient,
  offlineMigration,
} from "../test/fixtures/migration-client.js";
import type { Service } from "../test/fixtures/service.js";
import { compareDatabases, differences } from "./compare.js";
import { count, megabytes, seconds } from "./quantities.js";
import { seedTraffic, Traffic } from "./seed/traffic.js";
import type { Terminal } from "./terminal.js";

/** What the demo lends: its terminal, its clock, and servers that are ended with it. */
export interface DemoTools {
  readonly terminal: Terminal;
  step(name: string): (outcome: string) => void;
  startServer(major: 12 | 17 | 18, settings: Record<string, string>): Promise<EmbeddedServer>;
  startService(settings: Record<string, string>): Promise<Service>;
}

const database = "traffic";
const migration = "online";
const transactionsPerSecond = 400;
const limitSeconds = 600;

/** How long the demo lets the target follow before it stops the writer, milliseconds. */
const followMilliseconds = 15_000;

/** A source that is written to all the time, followed and cut over. True when nothing was lost. */
export async function demonstrateOnline(tools: DemoTools, target: 17 | 18): Promise<boolean> {
  const { terminal, step } = tools;
  terminal.print(terminal.bold("PostgreSQL migration service: a database in use moves to another server"));
  terminal.print();
  const stage = await setStage(tools, target);
  const client = new MigrationClient(stage.service, "demo-target");
  const traffic = await Traffic.start(stage.source, database, transactionsPerSecond);
  try {
    await follow(tools, client, stage, traffic);
  } finally {
    await traffic.stop();
  }
  terminal.print(`  Writer      stopped after ${count(traffic.transactions)} transactions`);
  await client.waitFor(migration, caughtUpAgain, { limitSeconds });
  const cutover = step("Cutover");
  const began = Date.now();
  await client.patch(migration, { triggerCutover: "True" });
  const end = await client.waitForEnd(migration, { limitSeconds });
  cutover(
    `${end.properties.currentStatus.state}: ${terminal.bold(`${seconds(Date.now() - began)} s`)} from PATCH triggerCutover to the end`,
  );
  if (end.properties.currentStatus.state !== "Succeeded") {
    terminal.print(terminal.bad(`  ${end.properties.currentStatus.error}`));
    return false;
  }
  return await verify(tools, stage);
}

async function setStage({ step, startServer, startService, terminal }: DemoTools, major: 17 | 18) {
  const servers = step("Servers");
  const [source, target, service] = await Promise.all([
    startServer(12, { wal_level: "logical" }),
    startServer(major, {}),
    startService({ SAMPLE_INTERVAL_SECONDS: "2" }),
  ]);
  servers(`source PostgreSQL ${source.major}, target PostgreSQL ${target.major}`);
  const seed = step("Database");
  await seedTraffic(source, database);
  seed("50 tables: with primary key, identity index, identity FULL, partitions, and without any");
  terminal.print(
    `  Writer      at most ${transactionsPerSecond} transactions a second: inserts, updates, deletes, key changes, large values, sequences`,
  );
  return { source, target, service };
}

async function follow(
  { terminal, step }: DemoTools,
  client: MigrationClient,
  { source, target }: { source: EmbeddedServer; target: EmbeddedServer },
  traffic: Traffic,
): Promise<void> {
  const copying = step("Base copy");
  await client.start(migration, offlineMigration(source, target, [database], { migrationMode: "Online" }));
  terminal.print();
  let shown = 0;
  const show = (answer: MigrationAnswer) => {
    if (!terminal.live && Date.now() - shown < 2_000) return;
    shown = Date.now();
    const line = statusLine(answer, traffic);
    if (terminal.live) terminal.redraw([line]);
    else terminal.print(line);
  };
  await client.waitFor(migration, isWaiting, { limitSeconds, onPoll: show });
  terminal.settle();
  copying("done, and the target has caught up while the source was written to");
  const until = Date.now() + followMilliseconds;
  await client.waitFor(migration, () => Date.now() >= until, { limitSeconds, onPoll: show, everyMilliseconds: 500 });
  terminal.settle();
  terminal.print();
}

function statusLine(answer: MigrationAnswer, traffic: Traffic): string {
  const { state, currentSubStateDetails } = answer.properties.currentStatus;
  const details = currentSubStateDetails?.dbDetails?.[database];
  const rows = `${count(details?.cdcInsertCounter ?? 0)} inserted, ${count(details?.cdcUpdateCounter ?? 0)} updated, ${count(details?.cdcDeleteCounter ?? 0)} deleted`;
  const latency = isWaiting(answer) ? `latency ${((details?.latency ?? 0) / 60).toFixed(3)} minutes, ` : "";
  return (
    `  ${state} / ${currentSubStateDetails?.currentSubState ?? ""}: ${latency}` +
    `${megabytes(details?.appliedChanges ?? 0)} of ${megabytes(details?.incomingChanges ?? 0)} MB applied, ${rows}; ${Math.round(traffic.rate)} transactions/s`
  );
}

function isWaiting({ properties }: MigrationAnswer): boolean {
  return properties.currentStatus.currentSubStateDetails?.currentSubState === "WaitingForCutoverTrigger";
}

function caughtUpAgain(answer: MigrationAnswer): boolean {
  const details = answer.properties.currentStatus.currentSubStateDetails?.dbDetails?.[database];
  return hasEnded(answer) || details?.latency === 0;
}

async function verify(
  { terminal, step }: DemoTools,
  { source, target }: { source: EmbeddedServer; target: EmbeddedServer },
) {
  const comparing = step("Comparison");
  const clients = [await source.connect(database), await target.connect(database)] as const;
  try {
    const comparison = await compareDatabases(...clients);
    const { tables, sequences, equal } = comparison;
    const rows = tables.reduce((sum, one) => sum + (one.source?.rows ?? 0n), 0n);
    comparing(
      equal
        ? `${tables.length} tables (${count(rows)} rows) and ${sequences.length} sequences have equal checksums`
        : terminal.bad("the two sides differ"),
    );
    for (const difference of differences(comparison)) terminal.print(terminal.bad(`  ${difference}`));
    return equal;
  } finally {
    await Promise.all(clients.map((one) => one.end()));
  }
}
