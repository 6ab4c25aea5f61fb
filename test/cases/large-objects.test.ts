/** Large objects keep their owners, privileges, comments and labels, as a superuser moves them and as an ordinary user does. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EmbeddedServer } from "../../local/embedded-server.js";
import { offlineMigration } from "../../local/migration-client.js";
import { availableMajors, type Major } from "../../local/server-binaries.js";
import { statementsOf } from "../fixtures/migration-statements.js";
import { Stage } from "../fixtures/stage.js";

const documents = `
  create table doc (id integer primary key, body oid);
  select lo_from_bytea(100001, 'alpha'), lo_from_bytea(100002, decode('00ff5c00', 'hex')), lo_from_bytea(100003, '');
  insert into doc values (1, 100001), (2, 100002);
  alter large object 100001 owner to app_owner;
  grant select, update on large object 100002 to app_reader;
  grant select on large object 100001 to public;
  comment on large object 100002 is 'it''s a "scanned" letter';

  select lo_from_bytea(200000 + bytes, convert_to(repeat('x', bytes - 1) || 'y', 'UTF8'))
  from unnest(array[16383, 16384, 16385, 1064960, 1064961, 3000000]) as bytes;

  select lo_from_bytea(300001, 'passed on'), lo_from_bytea(300002, 'taken away'), lo_from_bytea(300003, 'nobody');
  alter large object 300001 owner to app_owner;
  alter large object 300002 owner to app_owner;
  alter large object 300003 owner to app_owner;
  grant select on large object 300001 to app_reader with grant option;
  grant update on large object 300001 to app_reader;
  set role app_reader;
  grant select on large object 300001 to "odd ""role""";
  reset role;
  revoke update on large object 300002 from app_owner;
  revoke all on large object 300003 from app_owner;
  comment on large object 300003 is 'whose?';
`;

/** More than a part holds, of two owners. */
const thousands = `
  select lo_from_bytea(1000000 + n, convert_to('object ' || n, 'UTF8')) from generate_series(1, 3000) as n;
  do $$
  begin
    for n in 1 .. 3000 loop
      if n % 3 = 0 then
        execute format('alter large object %s owner to app_owner', 1000000 + n);
        execute format('grant select on large object %s to app_reader', 1000000 + n);
      end if;
    end loop;
  end
  $$;
`;

const everything = `
  select
    m.oid::bigint::int as oid,
    pg_get_userbyid(m.lomowner) as owner,
    array(select granted::text from unnest(m.lomacl) as granted order by 1) as privileges,
    m.lomacl is null as plain,
    obj_description(m.oid, 'pg_largeobject') as comment,
    octet_length(lo_get(m.oid)) as bytes,
    md5(lo_get(m.oid)) as digest
  from pg_largeobject_metadata as m
  order by m.oid
`;

const roles = ["app_owner", "app_reader", '"odd ""role"""'];

const pairs: [Major, Major][] = [
  [17, 18],
  [12, 17],
  [15, 15],
];

describe.each(pairs.filter((pair) => pair.every((major) => availableMajors().includes(major))))(
  "from %s to %s",
  (from, to) => {
    let stage: Stage;
    beforeAll(async () => {
      stage = await Stage.open({ source: { major: from }, target: { major: to } });
      for (const server of [stage.source, stage.target]) {
        for (const role of roles) await server.query(`create role ${role}`);
      }
      await stage.target.query(
        `create role mover login createdb password '${stage.target.password}'; grant ${roles.join(", ")} to mover;`,
      );
      await stage.source.query("create database letters");
      await stage.source.query(`${documents} ${thousands}`, { database: "letters" });
    }, 120_000);
    afterAll(async () => await stage?.close());

    async function migrate(name: string, user: string): Promise<string[]> {
      const { client, source, target } = stage;
      const { host, port, password } = target;
      await client.start(name, offlineMigration(source, { host, port, password, user }, ["letters"]));
      const end = await client.waitForEnd(name);
      expect(end.properties.currentStatus).toMatchObject({ state: "Succeeded" });
      const { message } = end.properties.currentStatus.currentSubStateDetails?.dbDetails?.letters ?? {};
      return (message ?? "").split("\n").filter((line) => line !== "");
    }

    const contents = async (server: EmbeddedServer) => await server.query(everything, { database: "letters" });

    test("everything is kept by a superuser", async () => {
      expect(await migrate("superuser", stage.target.user)).toEqual([]);
      expect(await statementsOf(stage, "superuser")).toEqual([]);
      expect(await contents(stage.target)).toEqual(await contents(stage.source));
      // What the application does with its own.
      await stage.target.query("set role app_owner; select lo_put(100001, 0, 'ALPHA'), lo_unlink(300001); reset role", {
        database: "letters",
      });
    });

    test("and by a member of the roles", async () => {
      await stage.target.query("drop database letters");
      await migrate("member", "mover");
      const left = (await statementsOf(stage, "member")).filter(({ object }) => /large object/.test(object));
      // What is a superuser's cannot be given to him: that is told, and nothing else is.
      expect(
        left.filter(({ statement }) => !/^(ALTER LARGE OBJECT \d+ OWNER TO "postgres"[;\n]*)+$/.test(statement)),
      ).toEqual([]);
      const ownedBy = (user: string, rows: Record<string, unknown>[]) =>
        JSON.parse(
          JSON.stringify(rows)
            .replaceAll(`"owner":"${user}"`, '"owner":"migration"')
            .replaceAll(`${user}=`, "=")
            .replaceAll(`/${user}"`, '/migration"'),
        );
      expect(ownedBy("mover", await contents(stage.target))).toEqual(
        ownedBy(stage.source.user, await contents(stage.source)),
      );
    });

    test("what the target cannot take is told, part by part, and everything else is there", async () => {
      const { source, target } = stage;
      await target.query("drop database letters");
      await source.query(
        `
          create role only_here;
          select lo_from_bytea(400001, 'of nobody there');
          alter large object 400001 owner to only_here;
          grant select on large object 400001 to app_reader;
          grant select on large object 100003 to only_here;
          insert into pg_seclabel values (100003, 'pg_largeobject'::regclass, 0, 'absent', 'secret''s');
        `,
        { database: "letters" },
      );
      await migrate("told", target.user);
      const left = (await statementsOf(stage, "told")).map(({ object, fate, statement, message }) => [
        object,
        fate,
        statement,
        message,
      ]);
      expect(left).toEqual([
        [
          "owner of large object 400001",
          "leftOut",
          'ALTER LARGE OBJECT 400001 OWNER TO "only_here"',
          'role "only_here" does not exist',
        ],
        [
          "privileges on large object 100003",
          "leftOut",
          'GRANT SELECT ON LARGE OBJECT 100003 TO "only_here"',
          'role "only_here" does not exist',
        ],
        [
          "security label on large object 100003",
          "leftOut",
          `SECURITY LABEL FOR "absent" ON LARGE OBJECT 100003 IS 'secret''s'`,
          'security label provider "absent" is not loaded',
        ],
      ]);
      const privileges = "select lomacl::text from pg_largeobject_metadata where oid = 400001";
      expect(await target.query(privileges, { database: "letters" })).toEqual([
        { lomacl: "{postgres=rw/postgres,app_reader=r/postgres}" },
      ]);
    });
  },
);
