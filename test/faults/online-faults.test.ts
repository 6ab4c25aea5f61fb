/** What an online migration has to survive while it follows: either server gone for a while, and time without a network. */
import { test } from "vitest";
import { cutOverAndCompare, onlineMigration, openOnlineStage, whenDatabase } from "../fixtures/online-stage.js";
import { thorough } from "../fixtures/thorough.js";
import { ThrottledProxy } from "../fixtures/throttled-proxy.js";

const patience = { timeout: 240_000 };

/** How long target and source cannot reach one another. */
const silenceSeconds = thorough ? 30 : 8;

const items =
  "create table items (id serial primary key, v text); insert into items (v) select 'x' from generate_series(1, 5000)";

test(
  "a source that restarts, a target that crashes, a network that is down: it recovers, and nothing is lost",
  patience,
  async () => {
    let betweenServers: ThrottledProxy | undefined;
    const stage = await openOnlineStage({
      settingsFor: async ({ source }) => {
        betweenServers = await ThrottledProxy.start(source);
        return { SOURCE_ADDRESSES_FROM_TARGET: `${source.host}:${source.port}=localhost:${betweenServers.port}` };
      },
    });
    try {
      await stage.source.query("create database app");
      await stage.source.query(items, { database: "app" });
      await stage.client.start("away", onlineMigration(stage, ["app"]));
      await stage.client.waitForSubstate("away", "WaitingForCutoverTrigger", 90);
      const write = (words: string) =>
        stage.source.query(`insert into items (v) select '${words}' from generate_series(1, 1000)`, {
          database: "app",
        });
      const tells = (holds: Parameters<typeof whenDatabase>[1], limitSeconds = 90) =>
        stage.client.waitFor("away", whenDatabase("app", holds), { limitSeconds });
      const recovered = () => tells(({ message, latency }) => message === "" && latency < 3);

      await write("before the restart");
      await stage.source.restart();
      await write("after the restart");
      await recovered();

      await stage.target.kill();
      await write("while the target was down");
      await tells(({ message }) => message.includes("The target does not answer"));
      await stage.target.restart();
      await recovered();

      const down = await betweenServers?.close();
      await write("while the network was down");
      await tells(
        ({ message, latency }) => message.includes("Nobody reads from the source") && latency >= silenceSeconds,
      );
      await down?.open();
      await recovered();
      await cutOverAndCompare(stage, "away", "app");
    } finally {
      await betweenServers?.stop();
      await stage.close();
    }
  },
);
