/** Values whose text no server can send: a row's text has less than 1 GB, and a bytea has two characters a byte. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { offlineMigration } from "../../local/migration-client.js";
import { availableMajors } from "../../local/server-binaries.js";
import { Stage } from "../fixtures/stage.js";

/** Debian's 15 to itself, or what there is: the limit is every server's. */
const major = availableMajors().includes(15) ? 15 : 17;
const workerMegabytes = 400;

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open({ source: { major }, target: { major } });
}, 120_000);
afterAll(async () => await stage?.close());

test("a row whose text is beyond 1 GB travels in binary form, and a worker holds none of it", async () => {
  const { client, service, source, target } = stage;
  await source.query("create database scans encoding 'LATIN1' locale 'C' template template0");
  await source.query(
    `
      create type mood as enum ('sad', 'happy');
      create table b (id integer primary key, v bytea, note text, mood mood, at timestamptz, tags text[], of regclass);
      alter table b drop column of;
      alter table b alter v set storage external;
      insert into b select 1, decode(repeat('ab', 150 * 1024 * 1024), 'hex'), 'Grüße', 'happy', now(), '{a,NULL,"b c"}';
      insert into b select 2, v || v || v || v, 'naïve', 'sad', '-infinity', null from b where id = 1;
      insert into b values (3, null, null, null, null, '{}');
    `,
    { database: "scans" },
  );
  let peak = 0;
  await client.start("scans", offlineMigration(source, target, ["scans"]));
  let reading = Promise.resolve();
  const end = await client.waitFor(
    "scans",
    ({ properties }) => /Succeeded|Failed/.test(properties.currentStatus.state),
    {
      limitSeconds: 300,
      onPoll: () => {
        reading = reading.then(async () => {
          for (const pid of await service.workerPids()) {
            const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
            peak = Math.max(peak, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024);
          }
        });
      },
    },
  );
  await reading;
  expect(end.properties.currentStatus).toMatchObject({ state: "Succeeded" });
  console.log(`peak memory of a worker while copying a row of 600 MB: ${Math.round(peak)} MB`);
  if (process.platform === "linux") expect(peak).toBeLessThan(workerMegabytes);

  const rows = `
    select id, octet_length(v) as bytes, md5(v) as digest, note, mood::text, at::text, tags::text
    from b
    order by id
  `;
  expect(await target.query(rows, { database: "scans" })).toEqual(await source.query(rows, { database: "scans" }));
  const [table] = (await client.tables("scans")).filter(({ tableName }) => tableName === "b");
  expect(table).toMatchObject({ verified: "Checksums", rows: 3 });
}, 400_000);

test("a row that neither form can carry is named with its key", async () => {
  const { client, source, target } = stage;
  await source.query("create database atlas");
  await source.query(
    `
      create table page (book text, number integer, front bytea, back bytea, primary key (book, number));
      alter table page alter front set storage external, alter back set storage external;
      insert into page values ('a, b', 1, 'x', 'y');
      insert into page select 'a, b', 2, v, v from (select decode(repeat('ab', 150 * 1024 * 1024), 'hex') as v) as made;
      update page set front = front || front || front || front where number = 2;
      update page set back = back || back || back where number = 2;
    `,
    { database: "atlas" },
  );
  await client.start("atlas", offlineMigration(source, target, ["atlas"]));
  const end = await client.waitForState("atlas", "Failed", 300);
  expect(end.properties.currentStatus.error).toMatch(
    /"public"\."page" has more than the 1 GB .*The largest: \("book", "number"\) = \("a, b",2\), 1050 MB, most of it in "front"\. Cut its value/,
  );
}, 400_000);
