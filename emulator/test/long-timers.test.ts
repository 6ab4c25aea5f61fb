import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HostProcess, until } from "./host-process.js";

/** Timers beyond maximumShortTimerDuration are made of legs, each a task of its own: days on Azure, seconds here. */

let host: HostProcess;

beforeAll(async () => {
  host = await HostProcess.start({
    environment: {
      AzureFunctionsJobHost__extensions__durableTask__maximumShortTimerDuration: "00:00:05",
      AzureFunctionsJobHost__extensions__durableTask__longRunningTimerIntervalDuration: "00:00:03",
    },
  });
});

afterAll(async () => {
  await host?.stop();
});

describe.concurrent("a timer of several legs", () => {
  test("that is awaited alone ends after its last leg, and what follows has numbers of its own", async () => {
    expect((await host.run("legs", { waits: [7_000, 2_000], last: 8_000 })).output).toEqual([
      7_000,
      2_000,
      "timer",
      "after",
    ]);
  });

  test("that is cancelled in its first leg lets the orchestration go on", async () => {
    const id = await host.startNew("legs", { waits: [], last: 9_000 });
    await host.post(`instances/${id}/raiseEvent/Go`, 1);
    expect((await host.ended(id)).output).toEqual(["go", "after"]);
  });

  test("that is cancelled in a later leg breaks it: replayed as cancelled, it has one leg only", async () => {
    const id = await host.startNew("legs", { waits: [], last: 20_000 });
    const fired = async (): Promise<number> =>
      ((await host.status(id, "showHistory=true")).historyEvents ?? []).filter(
        ({ EventType }) => EventType === "TimerFired",
      ).length;
    await until(async () => (await fired()) > 0, 30_000);
    await host.post(`instances/${id}/raiseEvent/Go`, 1);
    const { runtimeStatus, output } = await host.ended(id);
    expect(runtimeStatus).toBe("Failed");
    expect(output).toContain("Non-Deterministic workflow detected");
  });
});
