/**
 * The extensions that people have, as Debian packages them (case 25): measured, not repeated from anybody's list of limits. Where the packages are
 * not installed these tests are skipped.
 */
import { existsSync, readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EmbeddedServer } from "../../local/embedded-server.js";
import { offlineMigration } from "../../local/migration-client.js";
import { availableMajors } from "../../local/server-binaries.js";
import { migrationKey } from "../../shared/model/migration.js";
import { listValidations } from "../../shared/status/validations.js";
import { statementsOf } from "../fixtures/migration-statements.js";
import { schemaEntries } from "../fixtures/schema-entries.js";
import { Stage } from "../fixtures/stage.js";

const folder = "/usr/share/postgresql/15/extension";
const packaged = [
  ..."postgis postgis_raster postgis_topology fuzzystrmatch postgis_tiger_geocoder address_standardizer".split(" "),
  ..."pgrouting hll rum semver ip4r unit btree_gist periods pg_cron pgaudit pg_partman".split(" "),
];
const missing = packaged.filter((name) => !existsSync(`${folder}/${name}.control`));
const installed = availableMajors().includes(15) && missing.length === 0;
if (!installed)
  console.log(`extensions of Debian: the tests are skipped, without ${missing.join(", ") || "PostgreSQL 15"}`);

/** Everything that contrib has, but what is made for one session or needs a library at start. */
const contrib = existsSync(folder)
  ? readdirSync(folder)
      .filter((file) => file.endsWith(".control"))
      .map((file) => file.replace(/\.control$/, ""))
      .filter((name) => !/-3$|^(plpgsql|pglogical.*|.*plperl.*|.*plpython.*|.*pltcl.*)$/.test(name))
  : [];

const used = `
  create table place (
    id serial primary key, g geometry(point, 4326), gg geography, n citext, tags hstore, path ltree, v semver, ip ip4r, u unit, h hll
  );
  insert into place (g, gg, n, tags, path, v, ip, u, h)
  select
    st_setsrid(st_makepoint(x * 0.1, x * 0.05), 4326), st_makepoint(x * 0.1, x * 0.05)::geography, 'N' || x, hstore('k', x::text),
    ('a.b' || x)::ltree, ('1.2.' || x)::semver, ('10.0.0.' || x % 250 || '/32')::ip4r, (x || ' m')::unit,
    hll_add(hll_empty(), hll_hash_integer(x))
  from generate_series(1, 500) as x;
  create index on place using gist (g);
  create index on place using gist (gg);
  create index on place using gin (tags);
  create index on place using gist (path);
  create index on place using gin (n gin_trgm_ops);
  alter table place add constraint apart exclude using gist (id with =, g with &&);
  create table doc (id integer primary key, t tsvector);
  insert into doc select x, to_tsvector('english', 'hello ' || x) from generate_series(1, 200) as x;
  create index on doc using rum (t rum_tsvector_ops);
  insert into spatial_ref_sys (srid, auth_name, auth_srid, srtext, proj4text)
  values (990001, 'me', 990001, 'LOCAL_CS["x"]', '+proj=longlat');
  select topology.createtopology('city', 4326);
  select topology.addtopogeometrycolumn('city', 'public', 'place', 'topo', 'POINT');
  update place set topo = topology.totopogeom(g, 'city', 1) where id <= 20;
  select cron.schedule('nightly', '0 3 * * *', 'vacuum');
  select cron.schedule('5 4 * * *', 'select 1');
  select cron.schedule('* * * * *', 'insert into public.ran default values');
  update cron.job set active = false where jobid = 2;
  create table ran (at timestamptz default now());
  create table ev (id bigint, at timestamptz not null) partition by range (at);
  select partman.create_parent('public.ev', 'at', 'native', 'daily');
  insert into ev select x, now() + x * interval '1 hour' from generate_series(1, 50) as x;
  create table rast (id integer primary key, r raster);
  insert into rast
  select x, st_addband(st_makeemptyraster(10, 10, x, x, 1), '8BUI'::text, x, 0) from generate_series(1, 20) as x;
  create function slug(t text) returns text language sql immutable as $$ select lower(public.unaccent('public.unaccent', t)) $$;
  create table art (id integer primary key, t text, s text generated always as (slug(t)) stored);
  insert into art (id, t) select x, 'Ünï ' || x from generate_series(1, 100) as x;
  create index on art (slug(t));
  create materialized view mv as select n, st_astext(g) as w from place;
  create table tenure (id integer, valid_from date, valid_to date);
  select periods.add_period('tenure', 'validity', 'valid_from', 'valid_to');
  insert into tenure values (1, '2024-01-01', '2025-01-01');
`;

describe.skipIf(!installed)("Debian's extensions", () => {
  let stage: Stage;
  const settings = {
    shared_preload_libraries: "pg_cron,pgaudit,pg_stat_statements",
    "cron.database_name": "ext",
  };
  beforeAll(async () => {
    stage = await Stage.open({ source: { major: 15, settings }, target: { major: 15, settings } });
    process.env.AzureWebJobsStorage = stage.azurite.connectionString;
    await stage.source.query("create database ext");
    await stage.source.query("create schema partman; create extension pg_partman schema partman", { database: "ext" });
    for (const name of contrib.filter((one) => one !== "pg_partman")) {
      await stage.source.query(`create extension if not exists "${name}" cascade`, { database: "ext" });
    }
    await stage.source.query(used, { database: "ext" });
  }, 240_000);
  afterAll(async () => await stage?.close());

  const validated = async (name: string) =>
    (await listValidations(migrationKey("target", name))).filter(({ state }) => state !== "Succeeded");

  test("arrive whole, and validation says nothing against them", async () => {
    const { client, source, target } = stage;
    await client.start("ext", offlineMigration(source, target, ["ext"], { migrationOption: "ValidateAndMigrate" }));
    await expect
      .poll(async () => (await target.query("select 1 from pg_database where datname = 'ext'")).length, {
        timeout: 60_000,
      })
      .toBe(1);
    const end = await client.waitForState("ext", "Succeeded", 240);
    expect(await statementsOf(stage, "ext")).toEqual([]);
    // Jobs connect to their own server, and went on running on the source.
    expect((await stage.differences("ext")).filter((line) => !/^table cron\.job(_run_details)?:/.test(line))).toEqual(
      [],
    );
    // What the servers note about themselves is each one's own.
    const entriesOf = async (server: EmbeddedServer) =>
      Object.entries(await schemaEntries(server, "ext")).map(([header, text]) => [
        header,
        text.replaceAll(/^ALTER [^\n]* SET \(pg_attver=\d+\);\n?/gm, ""),
      ]);
    expect(await entriesOf(target)).toEqual(await entriesOf(source));

    const { message } = end.properties.currentStatus.currentSubStateDetails?.dbDetails?.ext ?? {};
    expect(message).toMatch(
      /2 rows of pg_cron's "cron"\."job" were switched off .* UPDATE "cron"\."job" SET "active" = 'false'/,
    );
    expect(message).toMatch(/1 row of pg_partman's "partman"\."part_config" were switched off/);
  }, 300_000);

  const jobs = "select jobid::int, schedule, command, active, nodeport from cron.job order by jobid";

  test("jobs are as on the source, but that they connect to their own server, and none ran while it was under way", async () => {
    const { source, target } = stage;
    const onSource = await source.query(jobs, { database: "ext" });
    expect(onSource.map(({ active }) => active)).toEqual([true, false, true]);
    expect(await target.query(jobs, { database: "ext" })).toEqual(
      onSource.map((job) => ({ ...job, nodeport: target.port })),
    );
    // The sequence goes on: the next job does not meet an old one.
    expect(
      await target.query("select cron.schedule('0 0 * * *', 'select 2')::int as jobid", { database: "ext" }),
    ).toEqual([{ jobid: 4 }]);
  });

  test("none of the findings is a failure, and none has anybody drop anything", async () => {
    const findings = await validated("ext");
    expect(findings.filter(({ state }) => state === "Failed")).toEqual([]);
    expect(JSON.stringify(findings)).not.toMatch(/DROP /);
  });

  test("a target whose pg_cron is for another database is told of before", async () => {
    const { client, source, target } = stage;
    await source.query("create database other");
    await source.query(
      "create extension hstore; update pg_extension set extname = 'pg_cron' where extname = 'hstore'",
      { database: "other" },
    );
    await client.start("other", offlineMigration(source, target, ["other"], { migrationOption: "Validate" }));
    await client.waitForState("other", "ValidationFailed", 60);
    const [finding] = (await validated("other")).filter(({ state }) => state === "Failed");
    expect(JSON.stringify(finding)).toMatch(
      /cron\.database_name.*Run on the target: ALTER SYSTEM SET cron\.database_name = 'other';/,
    );
    expect(JSON.stringify(await validated("other"))).not.toMatch(/DROP /);
  });
});
