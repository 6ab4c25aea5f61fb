import { afterAll, beforeAll, expect, test } from "vitest";
import { offlineMigration } from "../../local/migration-client.js";
import { type CommandOutcome, pgmigrate } from "../fixtures/pgmigrate.js";
import { PrivateLibraries } from "../fixtures/private-library.js";
import { Stage } from "../fixtures/stage.js";

let stage: Stage;
let libraries: PrivateLibraries;

beforeAll(async () => {
  libraries = await PrivateLibraries.make(17, { only_here: "citext" });
  stage = await Stage.open({
    source: { major: 17, settings: { dynamic_library_path: libraries.searchPath } },
    target: { major: 17 },
  });
  await stage.source.query("create database shop");
  await stage.source.query(
    `create function public.far(text) returns integer language c immutable strict as 'only_here', 'citext_hash';
     create table public.plain (id integer primary key, note text);
     insert into public.plain select n, 'note ' || n from generate_series(1, 100) as n;
     create index plain_far on public.plain (public.far(note));`,
    { database: "shop" },
  );
}, 120_000);

afterAll(async () => {
  await stage?.close();
  await libraries?.remove();
});

async function run(args: readonly string[], env: Record<string, string> = {}): Promise<CommandOutcome> {
  const service = { PGMIGRATE_URL: stage.service.url, PGMIGRATE_SERVER: "target", PGMIGRATE_RESOURCE_GROUP: "demo" };
  return await pgmigrate(["statements", "-n", "left", ...args], { env: { ...service, ...env } });
}

test("what the target refused is listed, printed as a script, and applied by --retry when it can be", async () => {
  const { client, source, target } = stage;
  await client.start("left", offlineMigration(source, target, ["shop"]));
  await client.waitForEnd("left");

  const listed = await run([]);
  expect(listed.stdout).toMatch(/^1 +shop +function public\.far\(text\) +refused +58P01 +could not access file/m);
  expect(listed.stdout).toMatch(/^2 +shop +index public\.plain_far +refused /m);
  const rows = JSON.parse((await run(["--fate", "refused", "--database", "shop", "-o", "json"])).stdout);
  expect(rows).toMatchObject([{ object: "function public.far(text)" }, { object: "index public.plain_far" }]);
  expect(JSON.parse((await run(["--fate", "applied", "-o", "json"])).stdout)).toEqual([]);

  const script = await run(["--sql"]);
  expect(script.stdout).toMatch(/^\\connect "shop"$/m);
  expect(script.stdout).toMatch(/^CREATE INDEX plain_far/m);
  expect(script.code).toBe(0);

  expect((await run(["--retry", "--sql"])).code).toBe(2);
  expect((await run(["--watch"])).code).toBe(2);
  const nobody = await run(["--retry"]);
  expect(nobody.code).toBe(2);
  expect(nobody.stderr).toContain("PGMIGRATE_TARGET_PASSWORD");

  const password = { PGMIGRATE_TARGET_PASSWORD: target.password };
  const inVain = await run(["--retry", "--watch"], password);
  expect(inVain.code).toBe(10);
  await target.query(`alter system set dynamic_library_path = '${libraries.searchPath}'`);
  await target.query("select pg_reload_conf()");
  const mended = await run(["--retry", "--watch", "--target-user", target.user], password);
  expect(mended.stdout).toContain("left: Succeeded");
  expect(mended.code).toBe(0);
  expect((await run(["-o", "tsv"])).stdout).not.toContain("refused");
  expect(await stage.differences("shop")).toEqual([]);
});
