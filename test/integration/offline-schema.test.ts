import { afterAll, beforeAll, expect, test } from "vitest";
import { prepareHostileTarget, seedHostile } from "../../demo/seed/hostile.js";
import { prepareShopTarget, seedShop } from "../../demo/seed/shop.js";
import { offlineMigration } from "../../local/migration-client.js";
import { schemaEntries, withoutMissingRole } from "../fixtures/schema-entries.js";
import { Stage } from "../fixtures/stage.js";

let stage: Stage;
let hostile: string;

// The same major on both sides: there is nothing that versions could explain.
beforeAll(async () => {
  stage = await Stage.open({ source: { major: 17 }, target: { major: 17 } });
  const { source, target, client } = stage;
  [hostile] = await Promise.all([
    seedHostile(source, { largeValueMegabytes: 0.1 }),
    seedShop(source, { scale: 0.05 }),
    prepareShopTarget(target),
    prepareHostileTarget(target),
  ]);
  await client.start("schemas", offlineMigration(source, target, ["shop", hostile]));
  await client.waitForState("schemas", "Succeeded");
}, 180_000);

afterAll(async () => await stage?.close());

test("pg_dump of both sides of the rich schema differs in what the missing role explains, and in nothing else", async () => {
  const source = await schemaEntries(stage.source, "shop");
  const target = await schemaEntries(stage.target, "shop");
  expect(Object.keys(source).length).toBeGreaterThan(100);
  expect(withoutMissingRole(target)).toEqual(withoutMissingRole(source));
});

test("pg_dump of both sides of the hostile database is the same", async () => {
  const source = await schemaEntries(stage.source, hostile);
  const target = await schemaEntries(stage.target, hostile);
  expect(Object.keys(source).length).toBeGreaterThan(100);
  expect(target).toEqual(source);
});
