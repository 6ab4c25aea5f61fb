import type { EmbeddedServer } from "../local/embedded-server.js";
import { hasEnded, type MigrationAnswer, MigrationClient, offlineMigration } from "../local/migration-client.js";
import type { Service } from "../local/service.js";
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
  /** Prints how to talk to what runs, and lets it run until Ctrl-C. */
  keepRunning(stage: Omit<Stage, "databases">, name: string, database: string, equal: boolean): Promise<void>;
}

const migration = "online";
const transactionsPerSecond = 400;
const limitSeconds = 600;

/** How long the demo lets the target follow before it stops the writer, milliseconds. */
const followMilliseconds = 15_000;

/** The servers and what is moved between them. */
interface Stage {
  source: EmbeddedServer;
  target: EmbeddedServer;
  service: Service;
  databases: readonly string[];
}

/** A source that is written to all the time, followed and cut over. True when nothing was lost. */
export async function demonstrateOnline(
  tools: DemoTools,
  options: { target: 17 | 18; databases: number; keep: boolean },
): Promise<boolean> {
  const { terminal, step } = tools;
  const what = options.databases === 1 ? "a database in use moves" : `${options.databases} databases in use move`;
  terminal.print(terminal.bold(`PostgreSQL migration service: ${what} to another server`));
  terminal.print();
  const stage = await setStage(tools, options);
  const client = new MigrationClient(stage.service, "demo-target");
  const writers = await Promise.all(
    stage.databases.map((database) =>
      Traffic.start(stage.source, database, transactionsPerSecond / stage.databases.length),
    ),
  );
  try {
    await follow(tools, client, stage, writers);
  } finally {
    await Promise.all(writers.map((writer) => writer.stop()));
  }
  terminal.print(`  Writer      stopped after ${count(sum(writers, ({ transactions }) => transactions))} transactions`);
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
  const equal = await verify(tools, stage);
  if (options.keep) {
    terminal.print();
    await tools.keepRunning(stage, migration, stage.databases[0] ?? "", equal);
  }
  return equal;
}

async function setStage(
  { step, startServer, startService, terminal }: DemoTools,
  options: { target: 17 | 18; databases: number },
): Promise<Stage> {
  const databases = Array.from({ length: options.databases }, (_, index) =>
    index === 0 ? "traffic" : `traffic_${index + 1}`,
  );
  const servers = step("Servers");
  const [source, target, service] = await Promise.all([
    startServer(12, { wal_level: "logical" }),
    // A worker for each database, and room for those of the server itself.
    startServer(options.target, { max_logical_replication_workers: "10", max_worker_processes: "16" }),
    startService({ SAMPLE_INTERVAL_SECONDS: "2" }),
  ]);
  servers(`source PostgreSQL ${source.major}, target PostgreSQL ${target.major}`);
  const seed = step(databases.length === 1 ? "Database" : "Databases");
  await Promise.all(databases.map((database) => seedTraffic(source, database)));
  const times = databases.length === 1 ? "" : `${databases.length} × `;
  seed(`${times}50 tables: with primary key, identity index, identity FULL, partitions, and without any`);
  terminal.print(
    `  Writer      at most ${transactionsPerSecond} transactions a second: inserts, updates, deletes, key changes, large values, sequences`,
  );
  terminal.print(`  Console     ${service.url}/console/`);
  return { source, target, service, databases };
}

async function follow(
  { terminal, step }: DemoTools,
  client: MigrationClient,
  { source, target, databases }: Stage,
  writers: readonly Traffic[],
): Promise<void> {
  const copying = step("Base copy");
  await client.start(migration, offlineMigration(source, target, databases, { migrationMode: "Online" }));
  terminal.print();
  let shown = 0;
  const show = (answer: MigrationAnswer) => {
    if (!terminal.live && Date.now() - shown < 2_000) return;
    shown = Date.now();
    const line = statusLine(answer, writers);
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

function statusLine(answer: MigrationAnswer, writers: readonly Traffic[]): string {
  const { state, currentSubStateDetails } = answer.properties.currentStatus;
  const details = Object.values(currentSubStateDetails?.dbDetails ?? {});
  const rows = [
    `${count(sum(details, ({ cdcInsertCounter }) => cdcInsertCounter ?? 0))} inserted`,
    `${count(sum(details, ({ cdcUpdateCounter }) => cdcUpdateCounter ?? 0))} updated`,
    `${count(sum(details, ({ cdcDeleteCounter }) => cdcDeleteCounter ?? 0))} deleted`,
  ].join(", ");
  // The write-ahead log is the whole server's: each database's slot counts all of it.
  const applied = megabytes(Math.max(0, ...details.map(({ appliedChanges }) => appliedChanges ?? 0)));
  const incoming = megabytes(Math.max(0, ...details.map(({ incomingChanges }) => incomingChanges ?? 0)));
  const latency = Math.max(0, ...details.map((one) => one.latency ?? 0));
  return (
    `  ${state} / ${currentSubStateDetails?.currentSubState ?? ""}: ` +
    `${isWaiting(answer) ? `latency ${(latency / 60).toFixed(3)} minutes, ` : ""}` +
    `${applied} of ${incoming} MB applied, ${rows}; ${Math.round(sum(writers, ({ rate }) => rate))} transactions/s`
  );
}

function sum<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}

function isWaiting({ properties }: MigrationAnswer): boolean {
  return properties.currentStatus.currentSubStateDetails?.currentSubState === "WaitingForCutoverTrigger";
}

function caughtUpAgain(answer: MigrationAnswer): boolean {
  const details = Object.values(answer.properties.currentStatus.currentSubStateDetails?.dbDetails ?? {});
  return hasEnded(answer) || details.every(({ latency }) => latency === 0);
}

async function verify({ terminal, step }: DemoTools, { source, target, databases }: Stage): Promise<boolean> {
  const comparing = step("Comparison");
  const comparisons = await Promise.all(
    databases.map(async (database) => {
      const clients = [await source.connect(database), await target.connect(database)] as const;
      try {
        return await compareDatabases(...clients);
      } finally {
        await Promise.all(clients.map((one) => one.end()));
      }
    }),
  );
  const equal = comparisons.every((one) => one.equal);
  const tables = comparisons.flatMap((one) => one.tables);
  const rows = tables.reduce((total, one) => total + (one.source?.rows ?? 0n), 0n);
  const sequences = sum(comparisons, (one) => one.sequences.length);
  comparing(
    equal
      ? `${tables.length} tables (${count(rows)} rows) and ${sequences} sequences have equal checksums`
      : terminal.bad("the two sides differ"),
  );
  for (const difference of comparisons.flatMap(differences)) terminal.print(terminal.bad(`  ${difference}`));
  return equal;
}
