import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { descendants, HostProcess, isAlive, startStorage, temporaryDirectory, until } from "./host-process.js";

describe("the host, stopped and started again in the middle of orchestrations", () => {
  test.each(["SIGKILL", "SIGINT"] as const)("by %s: they go on where they were", async (signal) => {
    const storage = await startStorage();
    const directory = temporaryDirectory();
    const environment = { AzureWebJobsStorage: storage.connectionString };
    const first = await HostProcess.start({ directory, environment });
    const log = path.join(directory, "fan-out.log");
    await first.startNew("fanOut", { count: 6, ms: 1_500, log }, "fan-out");
    await first.startNew("eventOrTimeout", { ms: 2_000 }, "timer");
    await first.startNew("customStatus", null, "event");
    await first.startNew("parent", [{ name: "customStatus", input: null, instanceId: "child" }], "parent");
    await first.startNew("threeEvents", 1_500, "early-events");
    await until(() => existsSync(log) && readFileSync(log, "utf8").split("\n").length > 6, 20_000);
    for (const part of [1, 2, 3]) {
      expect((await first.post("instances/early-events/raiseEvent/Part", part)).status).toBe(202);
    }
    const processes = descendants(first.pid);
    await first.signal(signal);
    await until(
      () => processes.every((pid) => !isAlive(pid)),
      20_000,
      () => `left: ${processes.filter(isAlive)}`,
    );

    const second = await HostProcess.start({ directory, environment });
    for (const id of ["event", "child"]) {
      expect((await second.post(`instances/${id}/raiseEvent/Go`, 1)).status).toBe(202);
    }
    expect((await second.ended("fan-out")).output).toHaveLength(6);
    expect((await second.ended("timer")).output).toBe("timeout");
    expect((await second.ended("event")).output).toBe("ok");
    expect((await second.ended("parent")).output).toEqual(["ok"]);
    expect((await second.ended("early-events")).output).toEqual([1, 2, 3]);
    await second.stop();
    await storage.stop();
  });

  test("with its own Azurite, killed with it: nothing is lost and nothing is left running", async () => {
    const directory = temporaryDirectory();
    const first = await HostProcess.start({ directory });
    await first.ended(await first.startNew("sequence", [1], "before"));
    await first.startNew("customStatus", null, "waiting");
    await until(async () => (await first.status("waiting")).customStatus !== null, 20_000);
    const processes = descendants(first.pid);
    expect(processes).toHaveLength(3);
    await first.signal("SIGKILL");
    const second = await HostProcess.start({ directory });
    expect(processes.filter(isAlive)).toEqual([]);
    expect((await second.status("before")).output).toEqual([1]);
    await second.post("instances/waiting/raiseEvent/Go", 1);
    expect((await second.ended("waiting")).output).toBe("ok");
    await second.stop();
  });
});

describe("starting and stopping", () => {
  test("Ctrl-C ends the host with exit code 0 within seconds and leaves no process", async () => {
    const host = await HostProcess.start();
    const running = host.fetch("sleepy/1000");
    await sleep(100);
    const processes = descendants(host.pid);
    expect(processes).toHaveLength(3);
    const started = Date.now();
    expect(await host.signal("SIGINT")).toBe(0);
    expect(Date.now() - started).toBeLessThan(15_000);
    expect(await (await running).text()).toBe("awake");
    expect(processes.filter(isAlive)).toEqual([]);
  });

  test("a taken port is told with the remedy, and nothing is left running", async () => {
    const host = await HostProcess.start();
    const port = new URL(host.origin).port;
    const other = HostProcess.launch({ args: ["--port", port] });
    await until(() => other.exitCode !== null, 30_000);
    expect(other.exitCode).toBe(1);
    expect(other.log).toContain(`Port ${port} is taken. Stop what listens there, or choose another with --port.`);
    await host.stop();
  });

  test("two hosts do not share one storage directory", async () => {
    const host = await HostProcess.start();
    const other = HostProcess.launch({ directory: host.directory });
    await until(() => other.exitCode !== null, 40_000);
    expect(other.log).toContain("is in use by process");
    await host.stop();
  }, 60_000);

  test("an app that does not load ends the host with its error", async () => {
    const broken = HostProcess.launch({ app: path.join(import.meta.dirname, "broken-app") });
    await until(() => broken.exitCode !== null, 40_000);
    expect(broken.exitCode).toBe(1);
    expect(broken.log).toContain("broken on purpose");
  });
});
