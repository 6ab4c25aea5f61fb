import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HostProcess, isAlive, until } from "./host-process.js";

describe("a worker that dies", () => {
  let host: HostProcess;

  beforeAll(async () => {
    host = await HostProcess.start();
  });
  afterAll(async () => {
    await host?.stop();
  });

  const file = (name: string) => path.join(host.directory, name);

  test("its activity is delivered again, to another instance, and it is replaced", async () => {
    const mark = file("died");
    const { runtimeStatus, output } = await host.run("callsOne", { activity: "dieOnce", input: { file: mark } });
    expect(runtimeStatus).toBe("Completed");
    const { instance } = output as { instance: string };
    expect(instance).not.toBe(readFileSync(mark, "utf8"));
    await host.waitForLog(new RegExp(`replaces ${readFileSync(mark, "utf8")}`));
  });

  test("killed from outside in the middle of a fan-out: every item still comes back", async () => {
    const log = file("fan-out.log");
    const id = await host.startNew("fanOut", { count: 8, ms: 600, log });
    await until(() => existsSync(log) && readFileSync(log, "utf8").split("\n").length > 8, 20_000);
    const { pid } = (await (await host.fetch("where")).json()) as { pid: number };
    process.kill(pid, "SIGKILL");
    const { runtimeStatus, output } = await host.ended(id);
    expect(runtimeStatus).toBe("Completed");
    expect((output as { item: number; pid: number }[]).map(({ item }) => item)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect((output as { pid: number }[]).some((result) => result.pid === pid)).toBe(false);
  });

  test("a request that it was answering gets 502; the next one is answered", async () => {
    const pids = new Set<number>();
    // Whichever worker gets the request below, it must be among those that are killed.
    await until(async () => {
      const answers = await Promise.all(["where", "where"].map(async (route) => (await host.fetch(route)).json()));
      for (const answer of answers) pids.add((answer as { pid: number }).pid);
      return pids.size === 2;
    }, 20_000);
    const sleeping = host.fetch("sleepy/3000");
    await sleep(200);
    for (const pid of pids) {
      process.kill(pid, "SIGKILL");
    }
    expect((await sleeping).status).toBe(502);
    // A request that comes before the host has noticed a death goes the same way.
    await until(() => [...pids].every((pid) => !isAlive(pid)), 20_000);
    expect((await host.fetch("where")).status).toBe(200);
  });

  test("an activity that always kills its worker fails in the end and says so", async () => {
    const { runtimeStatus, output } = await host.run("callsOne", { activity: "alwaysDie" }, 40_000);
    expect(runtimeStatus).toBe("Failed");
    expect(output).toContain("its worker process died 5 times while it ran");
  }, 60_000);
});

describe("functionTimeout", () => {
  let host: HostProcess;

  beforeAll(async () => {
    host = await HostProcess.start({ args: ["--instances", "1"] });
  });
  afterAll(async () => {
    await host?.stop();
  });

  test("kills the worker: the activity fails, an HTTP request gets 500, and a new worker serves", async () => {
    const { pid: before } = (await (await host.fetch("where")).json()) as { pid: number };
    const http = host.fetch("sleepy/60000");
    expect((await http).status).toBe(500);
    await until(() => !isAlive(before), 20_000);
    const { runtimeStatus, output } = await host.run("callsOne", { activity: "where", input: { item: 1, ms: 60_000 } });
    expect(runtimeStatus).toBe("Failed");
    expect(output).toContain("Timeout value of 00:00:04 was exceeded by function: Functions.where");
    const { pid: after } = (await (await host.fetch("where")).json()) as { pid: number };
    expect(after).not.toBe(before);
  });
});
