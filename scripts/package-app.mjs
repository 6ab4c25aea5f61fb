/**
 * Makes what is deployed to Azure, and nothing else: npm run build && npm run package. In .package/app the folder (azure.yaml
 * deploys it), in .package/app.zip the same as a zip (for az functionapp deployment source config-zip).
 * An allow-list, not .funcignore: what is new in the repository stays out until somebody lists it here.
 */
import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import { zipSync } from "fflate";

const run = promisify(execFile);
const repository = join(import.meta.dirname, "..");
// Another folder may be named: tests have one of their own.
const target = resolve(process.argv[2] ?? join(repository, ".package"));
const app = join(target, "app");

const deployed = ["dist/functions", "dist/orchestrators", "dist/shared", "dist/console", "host.json", "LICENSE"];
// Of the dependencies: what nobody runs. Sources and maps of compilers, documents, tests.
const needless = /(\.map|\.md|\.markdown|\.d\.[cm]?ts|\.tsbuildinfo)$|\/(test|tests|__tests__|docs|\.github)\//i;

await rm(target, { recursive: true, force: true });
await mkdir(app, { recursive: true });
for (const path of deployed) {
  await mkdir(dirname(join(app, path)), { recursive: true });
  await cp(join(repository, path), join(app, path), { recursive: true, filter: (from) => !from.endsWith(".map") });
}
await installDependencies();
// azd builds in Azure where this file leaves node_modules out, or is not there at all.
await writeFile(join(app, ".funcignore"), "local.settings.json\n");
await removeNeedless(join(app, "node_modules"));

const files = await listFiles(app);
const contents = {};
let bytes = 0;
for (const file of files) {
  const content = await readFile(join(app, file));
  contents[file] = content;
  bytes += content.length;
}
await writeFile(join(target, "app.zip"), zipSync(contents, { level: 6 }));
await writeFile(join(target, "files.txt"), `${files.join("\n")}\n`);
const { size } = await stat(join(target, "app.zip"));
const megabytes = (value) => (value / 1e6).toFixed(1);
console.log(`${app}: ${files.length} files, ${megabytes(bytes)} MB; app.zip: ${megabytes(size)} MB`);

/** The production dependencies, at the versions of the lock file; servers for tests and workspaces are left away. */
async function installDependencies() {
  const { name, version, license, type, main, engines, dependencies } = JSON.parse(
    await readFile(join(repository, "package.json"), "utf8"),
  );
  const manifest = { name, version, license, private: true, type, main, engines, dependencies };
  await writeFile(join(app, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  const lock = JSON.parse(await readFile(join(repository, "package-lock.json"), "utf8"));
  // npm drops from a lock file what the manifest no longer asks for, and keeps the versions of the rest.
  lock.packages[""] = { name, version, license, engines, dependencies };
  await writeFile(join(app, "package-lock.json"), JSON.stringify(lock));
  const options = ["--omit=dev", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
  // npm is a script of its own on Windows, which only a shell runs.
  await run("npm", ["install", ...options], { cwd: app, shell: process.platform === "win32" });
  await rm(join(app, "package-lock.json"));
  await rm(join(app, "node_modules/.package-lock.json"), { force: true });
  await rm(join(app, "node_modules/.bin"), { recursive: true, force: true });
}

async function removeNeedless(folder) {
  for (const file of await listFiles(folder)) {
    if (needless.test(`/${file}`)) await rm(join(folder, file));
  }
}

/** Paths of all files below a folder, sorted, with slashes. */
async function listFiles(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
    .sort();
}
