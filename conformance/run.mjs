import { spawnSync } from "node:child_process";
import path from "node:path";

/**
 * `npm run test:engine`: builds the engine and runs on it the suites that say how Durable behaves, offline migrations whose
 * workers and host are killed in mid-copy, and an online one with its cutover. Needs the .NET SDK 10.
 */

const folder = import.meta.dirname;
const root = path.join(folder, "..");
const engine = path.join(folder, "engine", "bin", "Release", "net10.0", "durable-engine.dll");

/** Each a run of vitest of its own: a name pattern is for all files of a run. */
const RUNS = [
  ["emulator/test/durable.test.ts", "emulator/test/long-timers.test.ts"],
  // ENGINE_FAULTS=all: a host stopped in good order, and cut connections, too.
  ["test/faults/lost-worker.test.ts", ...(process.env.ENGINE_FAULTS === "all" ? [] : ["-t", "killed"])],
  ["test/integration/online-migration.test.ts", "-t", "from 17 to 18.*written to all the time"],
];

function run(command, args) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: "inherit",
    env: {
      ...process.env,
      DURABLE_ENGINE: engine,
      DOTNET_CLI_TELEMETRY_OPTOUT: "1",
      DOTNET_NOLOGO: "1",
    },
  });
  if (error !== undefined) {
    throw new Error(`${command} could not be started: ${error.message}. The engine needs the .NET SDK 10.`);
  }
  if (status !== 0) {
    process.exitCode = 1;
  }
  return status === 0;
}

const project = path.join(folder, "engine", "DurableEngine.csproj");
if (run("dotnet", ["build", project, "--configuration", "Release", "--verbosity", "quiet"])) {
  for (const args of RUNS) {
    run(process.execPath, [path.join(root, "node_modules", "vitest", "vitest.mjs"), "run", ...args]);
  }
}
