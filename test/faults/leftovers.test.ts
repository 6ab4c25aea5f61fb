import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { EmbeddedServer } from "../fixtures/embedded-server.js";
import { repositoryRoot } from "../fixtures/repository-root.js";

const startAndHang = `
  const { EmbeddedServer } = await import("./dist/test/fixtures/embedded-server.js");
  const server = await EmbeddedServer.start({ major: 17 });
  const [row] = await server.query("select pg_backend_pid() as pid, current_setting('data_directory') as folder");
  console.log(JSON.stringify({ port: server.port, folder: row.folder }));
  setInterval(() => {}, 1000);
`;

test("a server and its files do not outlive a test process that is killed", async () => {
  const child = spawn(process.execPath, ["--input-type=module", "-e", startAndHang], {
    cwd: repositoryRoot,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(child.stdout, "data");
  const { folder } = JSON.parse(String(line));
  expect(existsSync(join(folder, "postmaster.pid"))).toBe(true);
  child.kill("SIGKILL");
  const limit = Date.now() + 10_000;
  while (existsSync(join(folder, "..")) && Date.now() < limit) await delay(50);
  expect(existsSync(join(folder, ".."))).toBe(false);
});

test("a server that was killed comes back with what was committed", async () => {
  const server = await EmbeddedServer.start({ major: 12 });
  try {
    await server.query("create table kept as select 1 as one");
    await server.kill();
    await expect(server.connect()).rejects.toThrow();
    await server.restart();
    expect(await server.query("select one from kept")).toEqual([{ one: 1 }]);
  } finally {
    await server.stop();
  }
});
