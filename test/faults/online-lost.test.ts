/** What becomes of an online migration that loses, while it follows, a server for good or the service's own host for a while. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { EmbeddedServer } from "../../local/embedded-server.js";
import { type MigrationAnswer, offlineMigration } from "../../local/migration-client.js";
import {
  cutOverAndCompare,
  leftoversOn,
  onlineMigration,
  openOnlineStage,
  replicationLeftovers,
} from "../fixtures/online-stage.js";
import type { Stage } from "../fixtures/stage.js";

const patience = { timeout: 240_000 };
const items = "create table items (id serial primary key, v text); insert into items (v) values ('first')";

let stage: Stage;
/** The source of one migration and the target of another. */
let between: EmbeddedServer;
beforeAll(async () => {
  [stage, between] = await Promise.all([
    openOnlineStage(),
    EmbeddedServer.start({ major: 17, settings: { wal_level: "logical" } }),
  ]);
  for (const [server, database] of [
    [stage.source, "app"],
    [stage.source, "arriving"],
    [between, "leaving"],
  ] as const) {
    await server.query(`create database ${database}`);
    await server.query(items, { database });
  }
});
afterAll(async () => await Promise.all([stage?.close(), between?.stop()]));

const follows = (name: string) => stage.client.waitForSubstate(name, "WaitingForCutoverTrigger", 90);

/** The SQL that an answer says to run there, that is on the server that was away. */
function remediesIn({ properties }: MigrationAnswer, database: string): string[] {
  const { error, currentSubStateDetails } = properties.currentStatus;
  const told = `${error}\n${currentSubStateDetails?.dbDetails?.[database]?.message}`;
  return [...new Set([...told.matchAll(/Run there: (.*)$/gm)].map(([, sql]) => sql ?? ""))];
}

test(
  "a server that is gone for good keeps no cancel from ending; what is left on it is told with the SQL that drops it",
  patience,
  async () => {
    await stage.client.start(
      "no-source",
      offlineMigration(between, stage.target, ["leaving"], { migrationMode: "Online" }),
    );
    await stage.client.start(
      "no-target",
      offlineMigration(stage.source, between, ["arriving"], { migrationMode: "Online" }),
    );
    await Promise.all([follows("no-source"), follows("no-target")]);
    await between.kill();
    await stage.client.cancel("no-source");
    await stage.client.cancel("no-target");
    const limit = { limitSeconds: 180 };
    const withoutSource = await stage.client.waitForEnd("no-source", limit);
    const withoutTarget = await stage.client.waitForEnd("no-target", limit);

    expect(withoutSource.properties.currentStatus).toMatchObject({
      state: "Canceled",
      error: expect.stringMatching(
        /Replication slot pgmig_\w+ and publications pgmig_\w+.* may be left in source database leaving/,
      ),
    });
    expect(withoutSource.properties.currentStatus.error).not.toContain("Subscription");
    expect(withoutTarget.properties.currentStatus).toMatchObject({
      state: "Canceled",
      error: expect.stringMatching(/Subscription pgmig_\w+ may be left in target database arriving/),
    });
    expect(withoutTarget.properties.currentStatus.error).not.toContain("Replication slot");
    expect(await replicationLeftovers(stage, ["arriving", "leaving"])).toEqual([]);

    await between.restart();
    expect(await leftoversOn(between, ["arriving", "leaving"])).not.toEqual([]);
    for (const sql of remediesIn(withoutSource, "leaving")) await between.query(sql, { database: "leaving" });
    for (const sql of remediesIn(withoutTarget, "arriving")) await between.query(sql, { database: "arriving" });
    expect(await leftoversOn(between, ["arriving", "leaving"])).toEqual([]);
  },
);

test(
  "a host that crashes while a migration waits for its cutover goes on with it when it is back, and nothing is lost",
  patience,
  async () => {
    const write = (words: string) =>
      stage.source.query(`insert into items (v) select '${words}' from generate_series(1, 1000)`, { database: "app" });
    await stage.client.start("restarted", onlineMigration(stage, ["app"]));
    await follows("restarted");
    await stage.service.kill();
    await write("without a host");
    await stage.service.restart();
    await write("with another");
    await cutOverAndCompare(stage, "restarted", "app");
  },
);
