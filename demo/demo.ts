import { copyFile } from "node:fs/promises";
import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { EmbeddedServer } from "../local/embedded-server.js";
import { MigrationClient, offlineMigration } from "../local/migration-client.js";
import { Service } from "../local/service.js";
import { compareDatabases, type DatabaseComparison } from "./compare.js";
import { type DemoOptions, parseDemoOptions, usage } from "./demo-options.js";
import { demonstrateOnline } from "./online-demo.js";
import { type MigrationView, ProgressReader } from "./progress.js";
import { ProgressDisplay } from "./progress-display.js";
import { megabytes, seconds } from "./quantities.js";
import { printReport } from "./report.js";
import { seedMany } from "./seed/many.js";
import { prepareShopTarget, seedShop } from "./seed/shop.js";
import { seedSkewed } from "./seed/skewed.js";
import { openTerminal } from "./terminal.js";

const databases = ["shop", "skewed", "many"];
const migrationName = "demo";
const serverName = "demo-target";
const pollMilliseconds = 500;
const limitMilliseconds = 6 * 60 * 60 * 1_000;

const terminal = openTerminal();

/** Everything that has been started, to be ended in the opposite order. */
const closers: (() => Promise<void>)[] = [];

/** Ctrl-C is how a demo that is kept running ends well. */
let exitCodeWhenInterrupted = 130;

interface Stage {
  source: EmbeddedServer;
  target: EmbeddedServer;
  service: Service;
}

async function demo(options: DemoOptions): Promise<boolean> {
  terminal.print(terminal.bold("PostgreSQL migration service: three databases from one server to another"));
  terminal.print();
  const stage = await setStage(options);
  const view = await migrate(stage);
  if (view.state !== "Succeeded") {
    await reportFailure(stage, view);
    return false;
  }
  const equal = await verify(stage, view);
  if (options.keep) {
    await keep(stage, migrationName, "shop", equal);
  }
  return equal;
}

async function setStage(options: DemoOptions): Promise<Stage> {
  const servers = step("Servers");
  const [source, target] = await Promise.all([startServer(12), startServer(options.target)]);
  servers(
    `source PostgreSQL ${source.major} on port ${source.port}, target PostgreSQL ${target.major} on port ${target.port}`,
  );

  const seeds = step("Databases");
  const [service] = await Promise.all([
    startService(),
    seedShop(source, { scale: options.scale }),
    seedSkewed(source, { scale: options.scale }),
    seedMany(source, { scale: options.scale }),
    prepareShopTarget(target),
  ]);
  const sizes = await source.query<{ name: string; bytes: string }>(
    "select datname as name, pg_database_size(oid) as bytes from pg_database where datname = any($1) order by datname",
    { values: [databases] },
  );
  seeds(sizes.map(({ name, bytes }) => `${name} ${megabytes(Number(bytes))} MB`).join(", "));
  return { source, target, service };
}

async function migrate({ source, target, service }: Stage): Promise<MigrationView> {
  const client = new MigrationClient(service, serverName);
  const migration = step("Migration");
  await client.start(migrationName, offlineMigration(source, target, databases));
  terminal.print(`  Service     ${service.url}, 2 instances`);
  terminal.print(`  Console     ${service.url}/console/`);
  terminal.print(`  PUT         ${new URL(client.url(migrationName)).pathname}`);
  terminal.print();
  const reader = new ProgressReader(client, migrationName, databases);
  const display = new ProgressDisplay(terminal);
  const limit = Date.now() + limitMilliseconds;
  for (;;) {
    const view = await reader.read();
    display.show(view);
    if (view.ended || Date.now() > limit) {
      terminal.settle();
      terminal.print();
      migration(view.state);
      return view;
    }
    await delay(pollMilliseconds);
  }
}

async function verify({ source, target }: Stage, view: MigrationView): Promise<boolean> {
  const verification = step("Comparison");
  const comparisons = new Map<string, DatabaseComparison>();
  for (const database of databases) {
    const [left, right] = await Promise.all([source.connect(database), target.connect(database)]);
    try {
      comparisons.set(database, await compareDatabases(left, right));
    } finally {
      await Promise.all([left.end(), right.end()]);
    }
  }
  const equal = [...comparisons.values()].every((comparison) => comparison.equal);
  verification(equal ? "every row and every sequence is on both sides" : terminal.bad("the two sides differ"));
  terminal.print();
  printReport(terminal, view, comparisons);
  terminal.print();
  return equal;
}

async function reportFailure({ service }: Stage, view: MigrationView): Promise<void> {
  const log = resolve("demo-failure.log");
  await copyFile(service.logFile, log);
  terminal.print();
  terminal.print(terminal.bad(`  The migration ended as ${view.state}: ${view.error ?? "without an error message"}`));
  terminal.print(`  The service's log is in ${log}`);
}

/** @param database one that psql is shown with */
async function keepRunning({ source, target, service }: Stage, name: string, database: string): Promise<void> {
  const client = new MigrationClient(service, serverName);
  const line = (what: string, how: string) => terminal.print(`  ${what.padEnd(11)} ${how}`);
  terminal.print("Everything keeps running until Ctrl-C. Try, in another terminal:");
  terminal.print();
  line("Console", `${service.url}/console/`);
  line("Status", `curl -s '${client.url(name)}?api-version=2025-08-01'`);
  line("Tables", `curl -s '${client.url(name, "/tables")}'`);
  line("All", `curl -s '${client.url()}?api-version=2025-08-01&migrationListFilter=All'`);
  line("Durable", `curl -s '${service.url}/runtime/webhooks/durabletask/instances'`);
  line("Source", `psql '${source.connectionString(database)}'`);
  line("Target", `psql '${target.connectionString(database)}'`);
  line("Log", service.logFile);
  await new Promise(() => {});
}

/** As keepRunning(); Ctrl-C then ends the demo with how it went. */
async function keep(stage: Stage, name: string, database: string, equal: boolean): Promise<void> {
  exitCodeWhenInterrupted = equal ? 0 : 1;
  await keepRunning(stage, name, database);
}

async function startServer(major: 12 | 17 | 18, settings: Record<string, string> = {}): Promise<EmbeddedServer> {
  const server = await EmbeddedServer.start({ major, settings });
  closers.push(() => server.stop());
  return server;
}

async function startService(settings: Record<string, string> = {}): Promise<Service> {
  const service = await Service.start({ settings });
  closers.push(() => service.stop());
  return service;
}

/** Starts a step's clock; the function it answers prints the step's line. */
function step(name: string): (outcome: string) => void {
  const began = Date.now();
  return (outcome) => {
    const took = terminal.dim(`(${seconds(Date.now() - began)} s)`);
    terminal.print(`  ${terminal.bold(name.padEnd(11))} ${outcome} ${took}`);
  };
}

async function endEverything(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close().catch(() => {});
}

async function main(): Promise<number> {
  let options: DemoOptions | undefined;
  try {
    options = parseDemoOptions(process.argv.slice(2));
  } catch (error) {
    terminal.print(error instanceof Error ? error.message : String(error));
    terminal.print(usage);
    return 2;
  }
  if (options === undefined) {
    terminal.print(usage);
    return 0;
  }
  const interrupted = new Promise<number>((stop) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.once(signal, () => stop(exitCodeWhenInterrupted));
  });
  try {
    const run = options.online
      ? demonstrateOnline({ terminal, step, startServer, startService, keepRunning: keep }, options)
      : demo(options);
    return await Promise.race([run.then((equal) => (equal ? 0 : 1)), interrupted]);
  } catch (error) {
    terminal.print(terminal.bad(`  ${error instanceof Error ? error.message : String(error)}`));
    return 1;
  } finally {
    terminal.settle();
    await endEverything();
  }
}

process.exit(await main());
