import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENGINE, HostProcess, until } from "./host-process.js";

/**
 * How Durable behaves: one suite for this host's engine and for Microsoft's (`npm run test:engine`). Where they differ, the engine
 * is mended, never the test; conformance/README.md has the list.
 */

let host: HostProcess;

beforeAll(async () => {
  host = await HostProcess.start();
});

afterAll(async () => {
  await host?.stop();
});

interface Place {
  item: number;
  instance: string;
}

const file = (name: string) => path.join(host.directory, name);

describe("activities", () => {
  test("four at once run on two instances, two on each", async () => {
    const { output } = await host.run("fanOut", { count: 4, ms: 300 });
    const places = output as Place[];
    const instances = [...new Set(places.map(({ instance }) => instance))];
    expect(instances.map((id) => places.filter(({ instance }) => instance === id).length)).toEqual([2, 2]);
    expect(places.map(({ item }) => item)).toEqual([0, 1, 2, 3]);
  });

  test("more than the instances may run at once wait their turn", async () => {
    const log = file("limit.log");
    await host.run("fanOut", { count: 24, ms: 200, log });
    let running = 0;
    let most = 0;
    for (const line of readFileSync(log, "utf8").trim().split("\n")) {
      running += line.startsWith("start") ? 1 : -1;
      most = Math.max(most, running);
    }
    // 10 an instance.
    expect(most).toBeLessThanOrEqual(20);
    expect(most).toBeGreaterThan(1);
  });

  test("a hundred come back, however they are spread", async () => {
    const { runtimeStatus, output } = await host.run("fanOut", { count: 100, ms: 5 });
    expect(runtimeStatus).toBe("Completed");
    expect(output).toHaveLength(100);
  });

  test("every JSON value comes through as it is", async () => {
    const values = [
      0,
      -1.5,
      true,
      false,
      null,
      "",
      "text",
      '"quoted"',
      "123",
      "ünï 😀\n",
      [1, [2]],
      { a: { b: null } },
    ];
    const { output } = await host.run("sequence", values);
    // Booleans come as .NET writes them.
    expect(output).toEqual(values.map((value) => (value === true ? "True" : value === false ? "False" : value)));
  });

  test("long texts of long characters keep every one", async () => {
    const values = Array.from({ length: 20 }, (_, index) => `${"a".repeat(index)}${"ü€".repeat(10_000)}`);
    const { output } = await host.run("echoAll", values);
    expect((output as string[]).every((value, index) => value === values[index])).toBe(true);
  });

  test("a result of three megabytes, which compression cannot shrink, comes through whole", async () => {
    const id = await host.startNew("bigRound", { bytes: 2_200_000 });
    let { output } = await host.ended(id);
    // Microsoft's engine can say that it has completed before the blob with its output can be read.
    await until(async () => {
      ({ output } = await host.status(id));
      return typeof output === "object";
    }, 30_000);
    const { same, text, hash } = output as { same: boolean; text: string; hash: string };
    expect(same).toBe(true);
    expect(text.length).toBeGreaterThan(2_900_000);
    expect(createHash("sha256").update(text).digest("hex")).toBe(hash);
  });

  // Microsoft's engine tries the turn again for ever: an orchestration that hangs without a word helps nobody who develops.
  test.skipIf(ENGINE !== undefined)(
    "one that the app does not have fails the orchestration with its name",
    async () => {
      const { runtimeStatus, output } = await host.run("callsOne", { activity: "missing", input: 1 });
      expect(runtimeStatus).toBe("Failed");
      expect(output).toContain("The function 'missing' doesn't exist, is disabled, or is not an activity function.");
    },
  );

  test("an activity can have a Durable client", async () => {
    const id = await host.startNew("customStatus");
    const { output } = await host.run("callsOne", { activity: "askDurable", input: id });
    expect(output).toBe("Running");
    await host.post(`instances/${id}/terminate`);
  });

  test("are found whatever the case of their name, and so are orchestrators", async () => {
    expect((await host.run("CALLSONE", { activity: "ECHO", input: 1 })).output).toBe(1);
  });
});

describe("retries", () => {
  test("a failing activity is tried until it succeeds", async () => {
    const { output } = await host.run("retry", { file: file("retry-1"), failures: 2, attempts: 5 });
    expect(output).toBe(3);
  });

  test("no more often than allowed, and the last error is told", async () => {
    const { runtimeStatus, output } = await host.run("retry", { file: file("retry-2"), failures: 9, attempts: 3 });
    expect(runtimeStatus).toBe("Failed");
    expect(output).toContain("Activity function 'flaky' failed:  call 3 fails");
    expect(readFileSync(file("retry-2"), "utf8")).toBe("xxx");
  });

  test("do not wait once more after the last attempt", async () => {
    const given = { file: file("retry-5"), attempts: 1, wait: 30_000, limit: 600_000 };
    expect((await host.run("retryWithin", given, 25_000)).output).toBe("given up");
  });

  test("attempts of two activities interleave without mixing up their results", async () => {
    const { output } = await host.run("retryTogether", [
      { file: file("retry-3"), failures: 3 },
      { file: file("retry-4"), failures: 2 },
    ]);
    expect(output).toEqual([4, 3, "after"]);
  });
});

describe("sub-orchestrations", () => {
  test("run side by side under their own or a given instance ID", async () => {
    const { output } = await host.run("parent", [
      { name: "sequence", input: ["a"], instanceId: "the-child" },
      { name: "sequence", input: ["b"] },
      { name: "tellsTime", input: null },
    ]);
    const [a, b, told] = output as [unknown, unknown, { parent: string }];
    expect([a, b]).toEqual([["a"], ["b"]]);
    expect(told.parent).toMatch(/\w/);
    expect((await host.status("the-child")).output).toEqual(["a"]);
  });

  test("that fail tell their parent why", async () => {
    const { runtimeStatus, output } = await host.run("catching");
    expect(runtimeStatus).toBe("Completed");
    expect(output).toContain("Orchestrator function 'failing' failed: no luck with the child");
  });
});

describe("external events", () => {
  test("an event in time wins against the timer", async () => {
    const id = await host.startNew("eventOrTimeout", { ms: 60_000 });
    expect((await host.post(`instances/${id}/raiseEvent/Go`, { speed: 1 })).status).toBe(202);
    expect((await host.ended(id)).output).toEqual({ event: { speed: 1 } });
  });

  test("without an event the timer wins, not more than a second before its time", async () => {
    const started = Date.now();
    const { output } = await host.run("eventOrTimeout", { ms: 2_500 });
    expect(output).toBe("timeout");
    expect(Date.now() - started).toBeGreaterThanOrEqual(1_500);
  });

  test("events that come before the orchestrator waits for them, one upon the other, are kept in order", async () => {
    const id = await host.startNew("threeEvents", 300);
    for (const part of [1, 2, 3]) {
      await host.post(`instances/${id}/raiseEvent/Part`, part);
    }
    expect((await host.ended(id)).output).toEqual([1, 2, 3]);
  });

  test("one that comes in an orchestration's last turn stays unread, and the host goes on", async () => {
    const [entered, leave] = [file("entered"), file("leave")];
    const id = await host.startNew("lingers", { entered, leave });
    await until(() => existsSync(entered), 20_000);
    expect((await host.post(`instances/${id}/raiseEvent/Late`, 1)).status).toBe(202);
    writeFileSync(leave, "");
    expect((await host.ended(id)).output).toBe("left");
    expect((await host.run("sequence", ["next"])).output).toEqual(["next"]);
  });

  test("are refused for an unknown instance (404), an ended one (410) and for text that is no JSON (400)", async () => {
    const id = await host.startNew("sequence", []);
    await host.ended(id);
    const running = await host.startNew("customStatus");
    const text = { method: "POST", body: "{", headers: { "content-type": "application/json" } };
    expect((await host.post("instances/nobody/raiseEvent/Go", 1)).status).toBe(404);
    expect((await host.post(`instances/${id}/raiseEvent/Go`, 1)).status).toBe(410);
    expect((await host.durable(`instances/${running}/raiseEvent/Go`, text)).status).toBe(400);
    expect((await host.post(`instances/${running}/raiseEvent/Go`)).status).toBe(400);
    await host.post(`instances/${running}/terminate`);
  });
});

describe("timers", () => {
  test("fire up to a second early by the orchestrator's own clock: storage knows whole seconds only", async () => {
    const { output } = await host.run("tellsTime");
    expect((output as { late: number }).late).toBeGreaterThan(-1_000);
  });

  test("of a week, which the host makes of several, can be waited for beside an event", async () => {
    const id = await host.startNew("longTimer", 7);
    await host.post(`instances/${id}/raiseEvent/Go`, 1);
    expect((await host.ended(id)).output).toEqual({ timer: false, after: "after" });
  });
});

describe("tasks in several groups", () => {
  test("a pending task may be awaited alone after a Task.any that it lost", async () => {
    const { output } = await host.run("awaitsLoser");
    expect(output).toMatchObject({ timerFirst: true, result: { item: "slow" } });
  });

  test("a pending task in a second Task.any is refused, because the Functions host would run it twice", async () => {
    const { runtimeStatus, output } = await host.run("reusesTask");
    expect(runtimeStatus).toBe("Failed");
    expect(output).toMatch(/puts the pending task "where" into a second Task.any|Non-Deterministic workflow detected/);
  });
});

describe("an orchestration's life", () => {
  test("continue-as-new starts over with a fresh history and the new input", async () => {
    const id = await host.startNew("countDown", { left: 4, seen: [] });
    const { output } = await host.ended(id);
    expect(output).toEqual([4, 3, 2, 1]);
    const { historyEvents, input } = await host.status(id, "showHistory=true");
    expect(historyEvents?.filter(({ EventType }) => EventType === "TaskCompleted")).toHaveLength(1);
    expect(input).toEqual({ left: 1, seen: [4, 3, 2] });
  });

  test("the custom status can be read while it runs", async () => {
    const id = await host.startNew("customStatus");
    await until(async () => (await host.status(id)).customStatus !== null, 20_000);
    expect((await host.status(id)).customStatus).toEqual({ step: "waiting" });
    await host.post(`instances/${id}/raiseEvent/Go`, {});
    expect(await host.ended(id)).toMatchObject({ output: "ok", customStatus: { step: "done" } });
  });

  test("it ends only when the timer that lost a race has fired", async () => {
    const started = Date.now();
    expect((await host.run("leavesTimer", 4_000)).output).toBe("left");
    expect(Date.now() - started).toBeGreaterThanOrEqual(3_000);
  });

  test("it ends only when the activity that lost a race has ended", async () => {
    const log = file("left.log");
    expect((await host.run("leavesActivity", { ms: 2_500, log })).output).toBe("left");
    expect(readFileSync(log, "utf8")).toContain("end slow");
  });

  test("an event that it had not asked for is gone after continue-as-new", async () => {
    const id = await host.startNew("renewedBesideEvent", { renewed: false, ms: 2_000 });
    await host.post(`instances/${id}/raiseEvent/Go`, "early");
    expect((await host.ended(id)).output).toBe("dropped");
  });

  test("each event is taken by one of the executions that follow one another", async () => {
    const id = await host.startNew("renewedByEvents", { times: 3, seen: [] });
    for (const [index, value] of ["a", "b", "c"].entries()) {
      await until(async () => ((await host.status(id)).input as { seen: string[] }).seen.length === index, 20_000);
      await host.post(`instances/${id}/raiseEvent/Go`, value);
    }
    expect((await host.ended(id)).output).toEqual(["a", "b", "c"]);
  });

  test("a custom status of 17 KB, at two bytes a character, fails it", async () => {
    expect((await host.run("statusOf", 8_600)).output).toBe("told");
    const { runtimeStatus, output } = await host.run("statusOf", 8_750);
    expect(runtimeStatus).toBe("Failed");
    expect(output).toContain("The UTF-16 size of the JSON-serialized payload must not exceed 16 KB.");
  });

  test("terminate ends it alone, with the reason: its sub-orchestrations go on", async () => {
    const id = await host.startNew("parent", [{ name: "customStatus", input: null, instanceId: "terminated-child" }]);
    await until(async () => (await host.durable("instances/terminated-child")).ok, 20_000);
    expect((await host.post(`instances/${id}/terminate?reason=enough`)).status).toBe(202);
    expect(await host.ended(id)).toMatchObject({ runtimeStatus: "Terminated", output: "enough" });
    await host.post("instances/terminated-child/raiseEvent/Go", 1);
    expect(await host.ended("terminated-child")).toMatchObject({ runtimeStatus: "Completed", output: "ok" });
    expect((await host.post(`instances/${id}/terminate`)).status).toBe(410);
  });

  test("suspended, it takes no step; resumed, it takes up what came meanwhile", async () => {
    const id = await host.startNew("eventOrTimeout", { ms: 60_000 });
    expect((await host.post(`instances/${id}/suspend?reason=wait`)).status).toBe(202);
    await until(async () => (await host.status(id)).runtimeStatus === "Suspended", 20_000);
    await host.post(`instances/${id}/raiseEvent/Go`, 7);
    await sleep(300);
    expect((await host.status(id)).runtimeStatus).toBe("Suspended");
    await host.post(`instances/${id}/resume?reason=go`);
    expect((await host.ended(id)).output).toEqual({ event: 7 });
  });

  test("purge removes an ended one and leaves a running one", async () => {
    const ended = await host.startNew("sequence", [1]);
    await host.ended(ended);
    const running = await host.startNew("customStatus");
    const purge = async (id: string) => await host.durable(`instances/${id}`, { method: "DELETE" });
    expect(await (await purge(ended)).json()).toEqual({ instancesDeleted: 1 });
    expect((await host.durable(`instances/${ended}`)).status).toBe(404);
    expect((await purge(running)).status).toBe(412);
    expect((await host.durable(`instances/${running}`)).status).toBe(202);
    expect((await purge("nobody")).status).toBe(404);
    await host.post(`instances/${running}/terminate`);
  });

  test("an instance ID can be used again only once its orchestration has ended", async () => {
    const id = await host.startNew("customStatus", null, "only-once");
    const again = await host.post("orchestrators/sequence/only-once", [1]);
    expect(again.status).toBe(409);
    await host.post(`instances/${id}/terminate`);
    await host.ended(id);
    await host.startNew("sequence", [2], id);
    expect((await host.ended(id)).output).toEqual([2]);
  });

  test("a failure is told with the orchestrator's own words", async () => {
    const status = await host.run("failing", "this");
    expect(status).toMatchObject({
      runtimeStatus: "Failed",
      output: "Orchestrator function 'failing' failed: no luck with this",
    });
  });
});

describe("the management API", () => {
  test("lists by state and prefix, page by page", async () => {
    for (const id of ["list-a", "list-b", "list-c"]) {
      await host.ended(await host.startNew("sequence", [], id));
    }
    const ids: string[] = [];
    let token: string | null = "";
    let pages = 0;
    do {
      const response: Response = await host.durable("instances?top=2&runtimeStatus=Completed&instanceIdPrefix=list-", {
        headers: { "x-ms-continuation-token": token },
      });
      ids.push(...((await response.json()) as { instanceId: string }[]).map(({ instanceId }) => instanceId));
      token = response.headers.get("x-ms-continuation-token");
      pages++;
    } while (token !== "" && token !== null);
    expect(ids).toEqual(["list-a", "list-b", "list-c"]);
    expect(pages).toBe(2);
    const failed = await host.durable("instances?runtimeStatus=Failed&instanceIdPrefix=list-");
    expect(await failed.json()).toEqual([]);
  });

  test("shows the history with results when asked", async () => {
    const id = await host.startNew("sequence", ["x"]);
    await host.ended(id);
    const { historyEvents } = await host.status(id, "showHistory=true&showHistoryOutput=true");
    expect(historyEvents).toMatchObject([
      { EventType: "ExecutionStarted", FunctionName: "sequence" },
      { EventType: "TaskCompleted", FunctionName: "echo", Result: "x" },
      { EventType: "ExecutionCompleted", OrchestrationStatus: "Completed", Result: ["x"] },
    ]);
    expect((await host.status(id)).historyEvents).toBeUndefined();
  });

  test("takes an orchestrator that the app does not have; it fails with its name", async () => {
    const { runtimeStatus, output } = await host.run("nothing");
    expect(runtimeStatus).toBe("Failed");
    expect(output).toContain("The function 'nothing' doesn't exist, is disabled, or is not an orchestrator function.");
  });

  test("durable-functions' own client starts, asks, raises, suspends, resumes, terminates and purges", async () => {
    const call = async (operation: string, id: string, argument = "", body: unknown = null) =>
      await host.fetch(`client/${operation}/${id}?argument=${argument}`, {
        method: "POST",
        body: JSON.stringify(body),
      });
    const started = await host.fetch("start/eventOrTimeout/by-client", { method: "POST", body: '{"ms":60000}' });
    expect(started.status).toBe(202);
    expect(((await started.json()) as { id: string }).id).toBe("by-client");
    expect((await host.fetch("start/sequence/by-client", { method: "POST" })).status).toBe(409);
    expect((await call("resume", "by-client")).status).toBe(400);
    expect((await call("suspend", "by-client")).status).toBe(200);
    await until(async () => (await host.status("by-client")).runtimeStatus === "Suspended", 20_000);
    expect((await call("resume", "by-client")).status).toBe(200);
    expect((await call("raise", "by-client", "Go", { n: 1 })).status).toBe(200);
    await host.ended("by-client");
    const status = (await (await call("status", "by-client")).json()) as Record<string, unknown>;
    expect(status).toMatchObject({ runtimeStatus: "Completed", input: { ms: 60_000 }, output: { event: { n: 1 } } });
    expect(await (await call("purge", "by-client")).json()).toEqual({ instancesDeleted: 1 });
    const unknown = (await (await call("terminate", "nobody")).json()) as { message: string };
    expect(unknown.message).toBe("No instance with ID 'nobody' found.");
  });
});

test("the settings file is made from the sample, with a generated key that workers see", async () => {
  const settings = JSON.parse(readFileSync(file("settings.json"), "utf8")) as { Values: Record<string, string> };
  const key = settings.Values.SECRETS_KEY ?? "";
  expect(Buffer.from(key, "base64")).toHaveLength(32);
  expect(await (await host.fetch("settings/SECRETS_KEY")).json()).toEqual({ value: key });
  expect(existsSync(file("settings.json"))).toBe(true);
});
