/**
 * npm run dev [-- --inspect] [-- options of the local host]: builds, watches the sources, and starts the local host anew whenever
 * they compile. Its storage stays: migrations that run are taken up by the new build.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const args = process.argv.slice(2);
const inspect = args.includes("--inspect");
const hostArgs = args.filter((arg) => arg !== "--inspect");

const build = spawn("npm", ["run", "--silent", "build"], { cwd: root, stdio: "inherit" });
const [code] = await once(build, "exit");
if (code !== 0) process.exit(code ?? 1);

let host;
let starting = Promise.resolve();

function restart() {
  starting = starting.then(async () => {
    if (host !== undefined && host.exitCode === null && host.signalCode === null) {
      host.kill("SIGINT");
      await once(host, "exit");
    }
    const node = inspect ? ["--inspect"] : [];
    host = spawn(process.execPath, [...node, "emulator/dist/start.js", ...hostArgs], { cwd: root, stdio: "inherit" });
  });
}

const compiler = spawn(
  process.execPath,
  ["node_modules/typescript/bin/tsc", "-p", "tsconfig.json", "--watch", "--preserveWatchOutput"],
  { cwd: root, stdio: ["ignore", "pipe", "inherit"] },
);
createInterface({ input: compiler.stdout }).on("line", (line) => {
  if (/Found 0 errors/.test(line)) restart();
  else if (line.trim() !== "" && !/Starting compilation|File change detected/.test(line)) console.log(line);
});

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, async () => {
    compiler.kill();
    await starting;
    if (host !== undefined && host.exitCode === null) {
      host.kill("SIGINT");
      await once(host, "exit");
    }
    process.exit(0);
  });
}
