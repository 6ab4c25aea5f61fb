import { describe, expect, test } from "vitest";
import { Cutovers } from "../../orchestrators/cutovers.js";

const waiting = { state: "WaitingForUserAction", substate: "WaitingForCutoverTrigger" };
const copying = { state: "InProgress", substate: "MigratingData" };
const completing = { state: "InProgress", substate: "CompletingMigration" };

describe("a migration", () => {
  test("waits for its cutover when every database has caught up, and completes when all have been asked to cut over", () => {
    const cutovers = new Cutovers(["one", "two"]);
    cutovers.caughtUp(["one"]);
    expect(cutovers.next()).toBeUndefined();
    expect(cutovers.request(["one"])).toEqual([]);
    cutovers.caughtUp(["one", "two"]);
    expect(cutovers.next()).toEqual(waiting);
    expect(cutovers.request(["one"])).toEqual(["one"]);
    expect(cutovers.request(["one"])).toEqual([]);
    expect(cutovers.next()).toBeUndefined();
    expect(cutovers.request(["one", "two"])).toEqual(["two"]);
    expect(cutovers.next()).toEqual(completing);
  });

  test("goes on copying when the last of the databases that were cancelled has ended", () => {
    const cutovers = new Cutovers(["one", "two", "three"]);
    cutovers.cancel(["one", "two"]);
    cutovers.ended("one");
    expect(cutovers.next()).toBeUndefined();
    cutovers.ended("two");
    expect(cutovers.next()).toEqual(copying);
    expect(cutovers.next()).toBeUndefined();
    cutovers.caughtUp(["three"]);
    expect(cutovers.next()).toEqual(waiting);
  });

  test("waits again after a cancel of one, and has nothing to enter after a cancel of all", () => {
    const cutovers = new Cutovers(["one", "two"]);
    cutovers.caughtUp(["one", "two"]);
    expect(cutovers.next()).toEqual(waiting);
    cutovers.cancel(["one"]);
    expect(cutovers.request(["two"])).toEqual([]);
    cutovers.ended("one");
    expect(cutovers.next()).toEqual(waiting);
    cutovers.cancel(["two"]);
    cutovers.ended("two");
    expect(cutovers.next()).toBeUndefined();
  });
});
