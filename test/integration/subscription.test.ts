import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { EmbeddedServer } from "../../local/embedded-server.js";
import { tryPublisher } from "../../shared/postgres/subscription.js";

test("a source that takes the target's connection and never answers is given up, and nothing is left", async () => {
  const silent = createServer(() => {}).listen(0, "127.0.0.1");
  await once(silent, "listening");
  const target = await EmbeddedServer.start({ major: 17 });
  try {
    const client = await target.connect();
    const { port } = silent.address() as AddressInfo;
    const names = {
      prefix: "pgmig_",
      slot: "pgmig_slot",
      allChanges: "pgmig_all",
      insertsOnly: "pgmig_inserts",
      nothing: "pgmig_nothing",
      subscription: "pgmig_subscription",
    };
    const endpoint = { host: "127.0.0.1", port, user: "mover", sslMode: "Prefer" } as const;
    const trying = tryPublisher(client, names, { endpoint, database: "shop", major: 17, password: "pw-silent-7Kq" });
    await expect(trying).rejects.toThrow(/No answer within 20 s\..*SOURCE_ADDRESSES_FROM_TARGET/s);
    expect((await client.query("select from pg_subscription")).rowCount).toBe(0);
    expect(await target.log()).not.toContain("pw-silent-7Kq");
    await client.end();
  } finally {
    await target.stop();
    silent.close();
  }
});
