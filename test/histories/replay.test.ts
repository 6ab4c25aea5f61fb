/** Migrations that run while a new build is deployed go on with it: their histories, recorded from real ones, replay. */
import { beforeAll, describe, expect, test } from "vitest";
import { loadHistories } from "./recorded-history.js";
import { firstDifference, registeredOrchestrators } from "./replay-turns.js";

const histories = await loadHistories();
let orchestrators: Awaited<ReturnType<typeof registeredOrchestrators>>;
beforeAll(async () => {
  orchestrators = await registeredOrchestrators();
});

test("every orchestration of the app has been recorded", () => {
  const recorded = new Set([...histories.values()].flat().map(({ orchestration }) => orchestration));
  expect([...orchestrators.keys()].filter((name) => !recorded.has(name))).toEqual([]);
});

describe.each([...histories.entries()])("%s", (_, recorded) => {
  test.each(recorded.map((history) => [history.orchestration, history.instanceId, history] as const))(
    "%s %s: the code asks for what it asked for then",
    async (name, _instance, history) => {
      const handler = orchestrators.get(name);
      if (handler === undefined)
        throw new Error(`The app has no orchestration ${name} any more: running ones would end.`);
      expect(await firstDifference(history, handler)).toBeUndefined();
    },
  );
});

test("a history that the code contradicts is found out, with its turn", async () => {
  const [history] = [...histories.values()].flat().filter(({ orchestration }) => orchestration === "database");
  const handler = orchestrators.get("database");
  if (history === undefined || handler === undefined) throw new Error("nothing recorded");
  const events = history.events.map((event) => (event.Name === "planDatabase" ? { ...event, Name: "planAll" } : event));
  expect(await firstDifference({ ...history, events }, handler)).toMatchObject({
    recorded: [{ EventType: "TaskScheduled", Name: "planAll" }],
    now: [{ EventType: "TaskScheduled", Name: "planDatabase" }],
  });
});
