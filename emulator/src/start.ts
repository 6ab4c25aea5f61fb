import { parseStartOptions, USAGE } from "./arguments.js";
import { describeFunction, Host } from "./host.js";
import { readHostJson } from "./host-json.js";
import { Log } from "./log.js";
import { readSettings } from "./settings.js";

/** `npm start`: serves the built Functions app on this machine until Ctrl-C. */

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args.includes("--help")) {
    console.log(USAGE);
    return;
  }
  const options = parseStartOptions(args);
  const { environment, note } = readSettings(options.settingsFile, options.appDirectory);
  const hostJson = readHostJson(options.appDirectory, environment);
  const log = new Log(hostJson.logging.logLevel, options.verbose);
  if (note !== undefined) {
    console.log(note);
  }
  const host = new Host({ ...options, hostJson, environment, log });
  stopOnSignal(host);
  try {
    const port = await host.start();
    const origin = `http://127.0.0.1:${port}`;
    const prefix = hostJson.extensions.http.routePrefix;
    const lines = host.functions.map((metadata) => `  ${describeFunction(metadata, prefix, origin)}`);
    console.log(`Functions:\n${lines.join("\n")}`);
    if (host.keys !== undefined) {
      console.log(`Host key (?code= or x-functions-key): ${host.keys.default}\nMaster key: ${host.keys.master}`);
    }
    const home = await homePage(origin);
    if (home !== undefined) {
      console.log(`In a browser: ${home}`);
    }
    console.log(`Serving ${origin}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    await host.stop();
    process.exit(1);
  }
}

/** Where the app's root leads to, if it leads anywhere. */
async function homePage(origin: string): Promise<string | undefined> {
  const response = await fetch(origin, { redirect: "manual" });
  await response.body?.cancel();
  const location = response.headers.get("location");
  return location === null ? undefined : new URL(location, origin).href;
}

function stopOnSignal(host: Host): void {
  let stopping = false;
  const stop = (): void => {
    if (!stopping) {
      stopping = true;
      host.stop().then(
        () => process.exit(0),
        (error: unknown) => {
          console.error(error);
          process.exit(1);
        },
      );
    }
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
