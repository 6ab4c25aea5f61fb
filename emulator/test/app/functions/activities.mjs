import { createHash, randomBytes } from "node:crypto";
import { appendFileSync, existsSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { app } from "@azure/functions";
import * as df from "durable-functions";

/** Says which process it ran in, after a while. */
df.app.activity("where", {
  handler: async ({ item, ms = 0, log }) => {
    if (log) {
      appendFileSync(log, `start ${item}\n`);
    }
    await sleep(ms);
    if (log) {
      appendFileSync(log, `end ${item}\n`);
    }
    return { item, instance: process.env.WEBSITE_INSTANCE_ID, pid: process.pid };
  },
});

df.app.activity("echo", { handler: (value) => value });

/** Fails until it has been called often enough; counts in a file, because processes come and go. */
df.app.activity("flaky", {
  handler: ({ file, failures }) => {
    appendFileSync(file, "x");
    const calls = statSync(file).size;
    if (calls <= failures) {
      throw new Error(`call ${calls} fails`);
    }
    return calls;
  },
});

/** Kills its own process the first time. */
df.app.activity("dieOnce", {
  handler: async ({ file }) => {
    if (!existsSync(file)) {
      writeFileSync(file, String(process.env.WEBSITE_INSTANCE_ID));
      process.kill(process.pid, "SIGKILL");
      await sleep(60_000);
    }
    return { instance: process.env.WEBSITE_INSTANCE_ID };
  },
});

df.app.activity("alwaysDie", {
  handler: async () => {
    process.kill(process.pid, "SIGKILL");
    await sleep(60_000);
  },
});

/** Random text with characters of every length in UTF-8. */
df.app.activity("big", {
  handler: ({ bytes }) => {
    const text = `${randomBytes(bytes).toString("base64")}${"aü€😀".repeat(1_000)}`;
    return { text, hash: createHash("sha256").update(text).digest("hex") };
  },
});

/** An activity that talks to Durable itself. */
app.generic("askDurable", {
  trigger: df.trigger.activity(),
  extraInputs: [df.input.durableClient()],
  handler: async (instanceId, context) => {
    const status = await df.getClient(context).getStatus(instanceId);
    return status.runtimeStatus;
  },
});
