import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { EmbeddedServer } from "../../local/embedded-server.js";
import { repositoryRoot } from "../../local/repository-root.js";

const startServerAndHang = `
  const { EmbeddedServer } = await import("./dist/local/embedded-server.js");
  const server = await EmbeddedServer.start({ major: 17 });
  const [row] = await server.query("select current_setting('data_directory') as folder");
  const [postmaster] = await server.query("select pg_read_file('postmaster.pid') as file");
  console.log(JSON.stringify({ folder: row.folder, pids: [Number.parseInt(postmaster.file)] }));
  setInterval(() => {}, 1000);
`;

const startServiceAndHang = `
  const { Service } = await import("./dist/local/service.js");
  const service = await Service.start();
  console.log(JSON.stringify({ folder: service.folder, pids: [service.hostPid, ...(await service.workerPids())] }));
  setInterval(() => {}, 1000);
`;

test.each([
  ["a server", startServerAndHang],
  ["the service with its workers", startServiceAndHang],
])("%s and its files do not outlive a test process that is killed", async (_what, program) => {
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    cwd: repositoryRoot,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(child.stdout, "data");
  const { folder, pids }: { folder: string; pids: number[] } = JSON.parse(String(line));
  expect(existsSync(folder)).toBe(true);
  expect(pids.filter(isAlive)).toEqual(pids);
  child.kill("SIGKILL");
  const limit = Date.now() + 20_000;
  while ((existsSync(folder) || pids.some(isAlive)) && Date.now() < limit) await delay(50);
  expect(existsSync(folder)).toBe(false);
  expect(pids.filter(isAlive)).toEqual([]);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

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
