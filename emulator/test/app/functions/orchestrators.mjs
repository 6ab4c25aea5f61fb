import { existsSync, writeFileSync } from "node:fs";
import * as df from "durable-functions";

df.app.orchestration("fanOut", function* (context) {
  const { count, ms, log } = context.df.getInput();
  const items = Array.from({ length: count }, (_, item) => item);
  return yield context.df.Task.all(items.map((item) => context.df.callActivity("where", { item, ms, log })));
});

df.app.orchestration("sequence", function* (context) {
  const results = [];
  for (const value of context.df.getInput()) {
    results.push(yield context.df.callActivity("echo", value));
  }
  return results;
});

df.app.orchestration("echoAll", function* (context) {
  return yield context.df.Task.all(context.df.getInput().map((value) => context.df.callActivity("echo", value)));
});

df.app.orchestration("retry", function* (context) {
  const { file, failures, attempts, wait = 50 } = context.df.getInput();
  const options = new df.RetryOptions(wait, attempts);
  options.backoffCoefficient = 2;
  return yield context.df.callActivityWithRetry("flaky", options, { file, failures });
});

/** Two retried activities side by side: their timers and attempts take task ids in turn. */
df.app.orchestration("retryTogether", function* (context) {
  const [first, second] = context.df.getInput();
  const options = (wait) => new df.RetryOptions(wait, 5);
  const results = yield context.df.Task.all([
    context.df.callActivityWithRetry("flaky", options(30), first),
    context.df.callActivityWithRetry("flaky", options(70), second),
  ]);
  return [...results, yield context.df.callActivity("echo", "after")];
});

df.app.orchestration("parent", function* (context) {
  const children = context.df.getInput();
  return yield context.df.Task.all(
    children.map(({ name, input, instanceId }) => context.df.callSubOrchestrator(name, input, instanceId)),
  );
});

df.app.orchestration("failing", function* (context) {
  yield context.df.callActivity("echo", 1);
  throw new Error(`no luck with ${context.df.getInput()}`);
});

df.app.orchestration("catching", function* (context) {
  try {
    yield context.df.callSubOrchestrator("failing", "the child");
  } catch (error) {
    return error.message;
  }
});

df.app.orchestration("eventOrTimeout", function* (context) {
  const { ms, event = "Go" } = context.df.getInput();
  const deadline = new Date(context.df.currentUtcDateTime.getTime() + ms);
  const timer = context.df.createTimer(deadline);
  const go = context.df.waitForExternalEvent(event);
  const winner = yield context.df.Task.any([go, timer]);
  if (winner === timer) {
    return "timeout";
  }
  timer.cancel();
  return yield context.df.callActivity("echo", { event: go.result });
});

/** Stays in its last turn until a file says that it may end. */
df.app.orchestration("lingers", function* (context) {
  const { entered, leave } = context.df.getInput();
  yield context.df.callActivity("echo", "before the last turn");
  writeFileSync(entered, "");
  while (!existsSync(leave)) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
  return "left";
});

df.app.orchestration("threeEvents", function* (context) {
  yield context.df.callActivity("where", { item: 0, ms: context.df.getInput() ?? 0 });
  const received = [];
  for (let count = 0; count < 3; count++) {
    received.push(yield context.df.waitForExternalEvent("Part"));
  }
  return received;
});

df.app.orchestration("countDown", function* (context) {
  const { left, seen } = context.df.getInput();
  const next = [...seen, yield context.df.callActivity("echo", left)];
  if (left > 1) {
    context.df.continueAsNew({ left: left - 1, seen: next });
    return;
  }
  return next;
});

df.app.orchestration("customStatus", function* (context) {
  context.df.setCustomStatus({ step: "waiting" });
  yield context.df.waitForExternalEvent("Go");
  context.df.setCustomStatus({ step: "done" });
  return "ok";
});

/** What the Functions host does not allow: a pending task in a second Task.any. */
df.app.orchestration("reusesTask", function* (context) {
  const slow = context.df.callActivity("where", { item: "slow", ms: 500 });
  const quick = context.df.callActivity("where", { item: "quick" });
  yield context.df.Task.any([slow, quick]);
  const other = context.df.callActivity("where", { item: "other" });
  yield context.df.Task.any([slow, other]);
});

/** What it allows: the pending task alone. */
df.app.orchestration("awaitsLoser", function* (context) {
  const slow = context.df.callActivity("where", { item: "slow", ms: 300 });
  const timer = context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 50));
  const winner = yield context.df.Task.any([slow, timer]);
  return { timerFirst: winner === timer, result: yield slow };
});

df.app.orchestration("callsOne", function* (context) {
  const { activity, input } = context.df.getInput();
  return yield context.df.callActivity(activity, input);
});

df.app.orchestration("bigRound", function* (context) {
  const result = yield context.df.callActivity("big", context.df.getInput());
  const back = yield context.df.callActivity("echo", result);
  return { same: back.text === result.text, ...back };
});

df.app.orchestration("longTimer", function* (context) {
  const days = context.df.getInput();
  const timer = context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + days * 86_400_000));
  const go = context.df.waitForExternalEvent("Go");
  const winner = yield context.df.Task.any([timer, go]);
  timer.cancel();
  return { timer: winner === timer, after: yield context.df.callActivity("echo", "after") };
});

df.app.orchestration("tellsTime", function* (context) {
  const before = context.df.currentUtcDateTime.getTime();
  const due = new Date(before + 300);
  yield context.df.createTimer(due);
  return { late: context.df.currentUtcDateTime.getTime() - due.getTime(), parent: context.df.parentInstanceId ?? null };
});

/** Ends while an activity that lost a race still runs. */
df.app.orchestration("leavesActivity", function* (context) {
  const { ms, log } = context.df.getInput();
  const fast = context.df.callActivity("where", { item: "fast" });
  const slow = context.df.callActivity("where", { item: "slow", ms, log });
  yield context.df.Task.any([fast, slow]);
  return "left";
});

/** Ends while a timer that lost a race is still set. */
df.app.orchestration("leavesTimer", function* (context) {
  const timer = context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + context.df.getInput()));
  yield context.df.Task.any([context.df.callActivity("echo", 1), timer]);
  return "left";
});

/** Starts over with every event, `times` times. */
df.app.orchestration("renewedByEvents", function* (context) {
  const { times, seen } = context.df.getInput();
  seen.push(yield context.df.waitForExternalEvent("Go"));
  if (seen.length < times) {
    context.df.continueAsNew({ times, seen });
    return seen;
  }
  return seen;
});

/** Starts over once while an event that nobody has asked for is there. */
df.app.orchestration("renewedBesideEvent", function* (context) {
  const { renewed, ms } = context.df.getInput();
  if (!renewed) {
    yield context.df.callActivity("where", { item: "first", ms });
    context.df.continueAsNew({ renewed: true, ms });
    return "renewed";
  }
  const event = context.df.waitForExternalEvent("Go");
  const timer = context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + 4_000));
  const winner = yield context.df.Task.any([event, timer]);
  if (winner === event) {
    timer.cancel();
  }
  return winner === event ? "kept" : "dropped";
});

df.app.orchestration("statusOf", function* (context) {
  context.df.setCustomStatus("x".repeat(context.df.getInput()));
  return yield context.df.callActivity("echo", "told");
});

df.app.orchestration("retryWithin", function* (context) {
  const { file, attempts, wait, limit } = context.df.getInput();
  const options = new df.RetryOptions(wait, attempts);
  options.retryTimeoutInMilliseconds = limit;
  try {
    yield context.df.callActivityWithRetry("flaky", options, { file, failures: 1_000 });
  } catch {
    return "given up";
  }
});

/** Waits through timers of one length after another, and beside an event at the last. */
df.app.orchestration("legs", function* (context) {
  const { waits, last } = context.df.getInput();
  const told = [];
  for (const ms of waits) {
    const due = context.df.currentUtcDateTime.getTime() + ms;
    yield context.df.createTimer(new Date(due));
    told.push(yield context.df.callActivity("echo", ms));
  }
  const timer = context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + last));
  const go = context.df.waitForExternalEvent("Go");
  const winner = yield context.df.Task.any([timer, go]);
  if (winner === go) {
    timer.cancel();
  }
  told.push(winner === go ? "go" : "timer");
  told.push(yield context.df.callActivity("echo", "after"));
  return told;
});
