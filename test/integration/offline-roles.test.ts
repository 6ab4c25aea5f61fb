import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EmbeddedServer } from "../../local/embedded-server.js";
import { offlineMigration } from "../../local/migration-client.js";
import { schemaEntries, withoutVersionDifferences } from "../fixtures/schema-entries.js";
import { Stage } from "../fixtures/stage.js";

const roleNames = ["owner_of_all", "team lead", "team", "members", "reader", "nightly", "Old Md5", "no password"];

/** Owners, grantees, three depths of membership, every attribute that a role can have. */
async function seedRoles(server: EmbeddedServer, database: string): Promise<void> {
  const scram = server.major >= 10 ? "set password_encryption = 'scram-sha-256';" : "";
  await server.query(`
    ${scram}
    create role owner_of_all login password 'secret of owner' connection limit 7 valid until '2099-01-02 03:04:05+00';
    create role "team lead" noinherit createdb createrole login password 'secret of lead';
    create role team;
    create role members;
    create role reader login password 'secret of reader' bypassrls;
    create role nightly login password 'secret of nightly' replication;
    create role "no password" login;
    create role unrelated login password 'x';
    set password_encryption = 'md5';
    create role "Old Md5" login password 'secret of md5';
    grant members to team with admin option;
    grant team to "team lead";
    grant "team lead" to nightly;
    grant pg_read_all_settings to reader;
    alter role reader set search_path = 'sales', "$user", public;
    alter role reader set work_mem = '8MB';
    comment on role team is 'who sells''s';
  `);
  await server.query(`create database ${database} owner owner_of_all`);
  const client = await server.connect(database);
  try {
    await client.query(`
      create schema sales authorization owner_of_all;
      set role owner_of_all;
      create table sales.orders (id serial primary key, tenant text, total numeric);
      insert into sales.orders (tenant, total) select 't' || g % 3, g from generate_series(1, 100) g;
      grant select on sales.orders to reader;
      grant usage on schema sales to members, reader;
      grant insert (tenant) on sales.orders to members with grant option;
      alter default privileges in schema sales grant select on tables to reader;
      alter table sales.orders enable row level security;
      create policy mine on sales.orders to members using (tenant = current_user);
      create view sales.totals as select tenant, sum(total) from sales.orders group by tenant;
      reset role;
      alter view sales.totals owner to "team lead";
      grant select on sales.totals to "Old Md5", "no password";
      alter role reader in database ${database} set statement_timeout = '1h';
    `);
  } finally {
    await client.end();
  }
}

const rolesOf = `
  select
    rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit, rolvaliduntil,
    shobj_description(oid, 'pg_authid') as comment,
    (select array_agg(array_to_string(setconfig, ';')) from pg_db_role_setting where setrole = pg_roles.oid and setdatabase = 0) as settings,
    (
      select array_agg(role.rolname || case when admin_option then ' (admin)' else '' end order by 1)
      from pg_auth_members join pg_roles as role on role.oid = roleid
      where member = pg_roles.oid
    ) as memberships
  from pg_roles
  where rolname = any ($1)
  order by rolname
`;

async function logsIn(server: EmbeddedServer, user: string, password: string, database: string): Promise<boolean> {
  const client = new pg.Client({ host: server.host, port: server.port, user, password, database });
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}

/** Schema public belongs to a superuser before 15, which nobody else can give it to. */
function withoutPublic(entries: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(withoutVersionDifferences(entries)).filter(([header]) => !/^Name: (SCHEMA )?public;/.test(header)),
  );
}

describe.each([
  { from: 11, to: 17 },
  { from: 17, to: 18 },
] as const)("$from → $to", ({ from, to }) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.open({
      source: { major: from },
      target: { major: to, hba: ['host all "Old Md5" 127.0.0.1/32 md5'] },
    });
    await seedRoles(stage.source, "shop");
    await stage.target.query("create role team createdb; comment on role team is 'of the target'");
    await stage.target.query("create role mover login createdb createrole password 'moves'");
  }, 120_000);

  afterAll(async () => await stage?.close());

  test("a superuser brings every role that the database names, as it was, and none that it does not", async () => {
    const { source, target, client } = stage;
    await client.start("roles", offlineMigration(source, target, ["shop"], { migrateRoles: "True" }));
    await client.waitForState("roles", "Succeeded");
    const withoutTeam = roleNames.filter((name) => name !== "team");
    expect(await target.query(rolesOf, { values: [withoutTeam] })).toEqual(
      await source.query(rolesOf, { values: [withoutTeam] }),
    );
    expect(await target.query("select from pg_roles where rolname = 'unrelated'")).toEqual([]);
    expect(withoutVersionDifferences(await schemaEntries(target, "shop"))).toEqual(
      withoutVersionDifferences(await schemaEntries(source, "shop")),
    );
  });

  test("logins keep their passwords, SCRAM and MD5", async () => {
    const { target } = stage;
    expect(await logsIn(target, "reader", "secret of reader", "shop")).toBe(true);
    expect(await logsIn(target, "reader", "wrong", "shop")).toBe(false);
    expect(await logsIn(target, "Old Md5", "secret of md5", "shop")).toBe(true);
  });

  test("a role that the target had is left as it was, and how it differs is told", async () => {
    const { target, client } = stage;
    expect(
      await target.query(
        "select rolcreatedb, shobj_description(oid, 'pg_authid') from pg_roles where rolname = 'team'",
      ),
    ).toEqual([{ rolcreatedb: true, shobj_description: "of the target" }]);
    const [database] = await client.databases("roles");
    expect(JSON.stringify(database)).toContain('role \\"team\\"');
  });

  test("neither answers, logs nor storage hold a password or its hash", async () => {
    const hashes = await stage.source.query<{ hash: string }>(
      "select rolpassword as hash from pg_authid where rolname = any ($1) and rolpassword is not null",
      { values: [roleNames] },
    );
    const shown = hashes.map(({ hash }) => hash);
    expect(shown.length).toBe(5);
    expect(await stage.secretsFound(shown)).toEqual([]);
  });

  test("a user with CREATEROLE and no more brings them too, and is no member of them afterwards", async () => {
    const { source, target, client } = stage;
    await target.query("drop database shop");
    for (const name of roleNames) await target.query(`drop role if exists "${name}"`);
    const mover = { host: target.host, port: target.port, user: "mover", password: "moves" };
    await client.start("mover", offlineMigration(source, mover, ["shop"], { migrateRoles: "True" }));
    await client.waitForState("mover", "Succeeded");
    expect(withoutPublic(await schemaEntries(target, "shop"))).toEqual(
      withoutPublic(await schemaEntries(source, "shop")),
    );
    expect(await logsIn(target, "reader", "secret of reader", "shop")).toBe(true);
    const usable = await target.query(`
      select role.rolname
      from pg_auth_members as membership
      join pg_roles as role on role.oid = membership.roleid
      where membership.member = 'mover'::regrole and membership.grantor = 'mover'::regrole
    `);
    expect(usable).toEqual([]);
  });
});

test("two migrations at once into one target share two hundred roles", async () => {
  const stage = await Stage.open({ source: { major: 17 }, target: { major: 18 } });
  try {
    const { source, target, client } = stage;
    await source.query(
      "do $$ begin for n in 1..200 loop execute format('create role r%s login password %L', n, 'secret ' || n); end loop; end $$",
    );
    for (const database of ["one", "two"]) {
      await source.query(`create database ${database}`);
      const session = await source.connect(database);
      await session.query(`
        create table t (id int primary key);
        do $$ begin for n in 1..200 loop execute format('grant select on t to r%s', n); end loop; end $$;
      `);
      await session.end();
    }
    await Promise.all(
      ["one", "two"].map((name) =>
        client.start(name, offlineMigration(source, target, [name], { migrateRoles: "True" })),
      ),
    );
    for (const name of ["one", "two"]) {
      await client.waitForState(name, "Succeeded", 120);
      expect(await schemaEntries(target, name)).toEqual(await schemaEntries(source, name));
    }
    expect(await target.query("select count(*)::int as roles from pg_roles where rolname ~ '^r[0-9]+$'")).toEqual([
      { roles: 200 },
    ]);
  } finally {
    await stage.close();
  }
}, 240_000);
