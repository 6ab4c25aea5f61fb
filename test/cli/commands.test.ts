import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { openOnlineStage } from "../fixtures/online-stage.js";
import { type CommandOptions, type CommandOutcome, pgmigrate, pgmigrateOnTerminal } from "../fixtures/pgmigrate.js";
import type { Stage } from "../fixtures/stage.js";

let stage: Stage;
let folder: string;
let file: string;
let passwords: Record<string, string>;

beforeAll(async () => {
  [stage, folder] = await Promise.all([openOnlineStage(), mkdtemp(join(tmpdir(), "pgmigrate-"))]);
  for (const database of ["shop", "broken", "live", "held", "again"]) {
    await stage.source.query(`create database ${database}`);
    await stage.source.query("create table orders (id int primary key, note text)", { database });
    await stage.source.query("insert into orders select n, repeat('x', 100) from generate_series(1, 20000) as n", {
      database,
    });
  }
  // Rows that its own check no longer lets in.
  await stage.source.query("create function holds(int) returns boolean immutable language sql as 'select true'", {
    database: "broken",
  });
  await stage.source.query("alter table orders add constraint checked check (holds(id))", { database: "broken" });
  await stage.source.query(
    "create or replace function holds(int) returns boolean immutable language sql as 'select false'",
    { database: "broken" },
  );
  file = await propertiesFile("shop.json", ["shop"]);
  passwords = { PGMIGRATE_SOURCE_PASSWORD: stage.source.password, PGMIGRATE_TARGET_PASSWORD: stage.target.password };
});

afterAll(async () => {
  await stage?.close();
  await rm(folder, { recursive: true, force: true });
});

/** A file as people write it for Azure's CLI: names and words in any case, Booleans, no passwords. */
async function propertiesFile(
  name: string,
  dbsToMigrate: string[],
  more: Record<string, unknown> = {},
): Promise<string> {
  const path = join(folder, name);
  const properties = {
    sourceType: "onpremises",
    sslMode: "prefer",
    sourceDbServerResourceId: `127.0.0.1:${stage.source.port}@postgres`,
    targetDbServerFullyQualifiedDomainName: `127.0.0.1:${stage.target.port}`,
    secretParameters: { sourceServerUsername: "postgres", targetServerUsername: "postgres" },
    dbsToMigrate,
    overwriteDbsInTarget: true,
    migrationOption: "migrate",
    ...more,
  };
  await writeFile(path, JSON.stringify({ properties }));
  return path;
}

async function run(
  command: string,
  args: readonly string[] = [],
  options: CommandOptions = {},
): Promise<CommandOutcome> {
  const env = { PGMIGRATE_URL: stage.service.url, PGMIGRATE_SERVER: "target", ...options.env };
  return await pgmigrate([command, ...args], { ...options, env });
}

async function answerOf<Body>(
  command: string,
  args: readonly string[] = [],
  options: CommandOptions = {},
): Promise<Body> {
  const { code, stdout, stderr } = await run(command, args, options);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

interface Shown {
  name: string;
  tags?: Record<string, string>;
  properties: { migrationMode: string; cancel?: string; currentStatus: { state: string } };
}

describe("before a migration", () => {
  test("test-connection says what the service reaches, and 15 when it does not", async () => {
    const both = await run("test-connection", ["-b", file], { env: passwords });
    expect(both.stdout).toMatch(/^source +127\.0\.0\.1:\d+ +postgres +true/m);
    expect(both.stdout).toMatch(/^target +127\.0\.0\.1:\d+ +postgres +true/m);
    expect(both.code).toBe(0);
    const wrong = await run("test-connection", ["-b", file, "-o", "tsv"], {
      env: { PGMIGRATE_SOURCE_PASSWORD: "not this one" },
    });
    expect(wrong.stdout.split("\n")).toHaveLength(2);
    expect(wrong.stdout).toMatch(/^source\t127\.0\.0\.1:\d+\tpostgres\tfalse\t.*password/);
    expect(wrong.code).toBe(15);
  });

  test("list-databases lists them with sizes, in each format", async () => {
    const listed = await run("list-databases", ["-b", file], { env: passwords });
    expect(listed.stdout).toMatch(/^Name +Size +Owner +Encoding +Collation\n-/);
    expect(listed.stdout).toMatch(/^shop +[\d.]+ MB +postgres/m);
    const yaml = await run("list-databases", ["-b", file, "-o", "yaml"], { env: passwords });
    expect(parse(yaml.stdout)).toContainEqual(expect.objectContaining({ name: "shop", owner: "postgres" }));
    expect((await run("list-databases", ["-b", file, "-o", "none"], { env: passwords })).stdout).toBe("");
  });

  test("check-name-availability answers as az's does", async () => {
    const answer = await answerOf<{ nameAvailable: boolean }>("check-name-availability", ["-n", "free-name"]);
    expect(answer.nameAvailable).toBe(true);
  });

  test("validate prints what stands in the way, and says so to the shell", async () => {
    const bad = await propertiesFile("nobody.json", ["no_such_database"]);
    const failed = await run("validate", ["-b", bad], { env: passwords });
    expect(failed.stdout).toMatch(/^Failed +no_such_database /m);
    expect(failed.stderr).toMatch(/^validate-\d{14}: ValidationFailed/);
    expect(failed.code).toBe(11);
    const good = await run("validate", ["-n", "check-shop", "-b", file, "--all"], { env: passwords });
    expect(good.stdout).toMatch(/^Succeeded +shop /m);
    expect(good.stderr).toBe("check-shop: Succeeded\n");
    expect(good.code).toBe(0);
  });
});

describe("an offline migration", () => {
  test("create --watch tells its steps a line at a time and ends with 0; show, list, databases, tables and report agree", async () => {
    const watched = await run("create", ["-n", "first", "-b", file, "--tags", "team=data", "--watch"], {
      env: passwords,
    });
    expect(watched.stdout).toMatch(/ {2}first: InProgress \/ /);
    expect(watched.stdout).toMatch(/ {2}shop: .*100%, 1\/1 tables/);
    expect(watched.stdout).toMatch(/ {2}first: Succeeded\n$/);
    expect(watched.code).toBe(0);
    expect(await stage.differences("shop")).toEqual([]);

    const shown = await answerOf<Shown>("show", ["-n", "first"]);
    expect(shown.tags).toEqual({ team: "data" });
    expect(
      (await answerOf<Shown>("show", ["-n", "target", "--migration-name", "first"], { env: { PGMIGRATE_SERVER: "" } }))
        .name,
    ).toBe("first");
    expect((await answerOf<Shown[]>("list", ["--filter", "All"])).map(({ name }) => name)).toContain("first");
    expect((await answerOf<Shown[]>("list")).map(({ name }) => name)).not.toContain("first");
    expect((await run("list", ["--filter", "all", "-o", "table"])).stdout).toMatch(/^first +Succeeded /m);
    expect((await run("databases", ["-n", "first"])).stdout).toMatch(/^shop +Succeeded .* 20,000 /m);
    const tables = await run("tables", ["-n", "first", "--database", "shop", "--state", "completed", "-o", "tsv"]);
    expect(tables.stdout).toMatch(/^shop\tpublic\.orders\tcompleted\t20000\t\d+\t1\t\n$/);
    const report = await run("report", ["-n", "first"]);
    expect(report.stdout).toMatch(/^# Migration first: Succeeded\n/);
    expect(report.stdout).toMatch(/\| shop \| Succeeded \| 1 \| 20,000 \|/);
    const value = await answerOf<{ largestTables: unknown[] }>("report", ["-n", "first", "--format", "json"]);
    expect(value.largestTables).toHaveLength(1);
  });

  test("a failed migration ends with 10 and the server's own message", async () => {
    const properties = await propertiesFile("broken.json", ["broken"]);
    const failed = await run("create", ["-n", "fails", "-b", properties, "--watch", "--json"], { env: passwords });
    const lines = failed.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.at(-1)?.note).toMatch(/fails: Failed: .*check/);
    expect(lines.find((one) => one.state === "Failed")?.databases).toHaveLength(1);
    expect(failed.code).toBe(10);
    expect((await run("report", ["-n", "fails"])).stdout).toMatch(/^- Error: .*check/m);
  });

  test("watch is live on a terminal: a bar a database, and the terminal is left in order", async (context) => {
    const properties = await propertiesFile("again.json", ["again"]);
    await answerOf("create", ["-n", "on-terminal", "-b", properties], { env: passwords });
    const args = ["watch", "-s", "target", "-n", "on-terminal", "--url", stage.service.url, "--interval", "0.3"];
    const watched = await pgmigrateOnTerminal(args).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      return context.skip("script is not installed here");
    });
    expect(watched.stdout).toMatch(/again +━+─* +\d+%/);
    expect(watched.stdout).toMatch(/again +━+ +100% .*1\/1 tables/);
    expect(watched.stdout).toContain("on-terminal: Succeeded");
    const [show, hide] = ["\x1b[?25h", "\x1b[?25l"];
    expect(watched.stdout).toContain(hide);
    expect(watched.stdout.lastIndexOf(show)).toBeGreaterThan(watched.stdout.lastIndexOf(hide));
    expect(watched.stdout.lastIndexOf("\x1b[?7h")).toBeGreaterThan(watched.stdout.lastIndexOf("\x1b[?7l"));
    expect(watched.code).toBe(0);
  });

  test("what was created to wait is watched until --timeout or Ctrl-C, started, and cancelled", async () => {
    const properties = await propertiesFile("held.json", ["held"], {
      startDataMigration: false,
    });
    await answerOf("create", ["-n", "held", "-b", `@${properties}`], { env: passwords });
    const waited = await run("watch", ["-n", "held", "--until", "cutover"]);
    expect(waited.stdout).toContain("pgmigrate update --start-data-migration");
    expect(waited.code).toBe(13);
    expect((await run("watch", ["-n", "held", "--timeout", "0.01"])).code).toBe(14);
    const interrupted = await run("watch", ["-n", "held"], {
      onStart: (child) => {
        child.stdout?.once("data", () => child.kill("SIGINT"));
      },
    });
    expect(interrupted.stdout).toContain("The migration goes on");
    expect(interrupted.code).toBe(130);
    await answerOf("update", ["-n", "held", "--start-data-migration"]);
    expect((await run("watch", ["-n", "held"])).code).toBe(0);

    await answerOf("create", ["-n", "never", "-b", properties], { env: passwords });
    expect((await run("update", ["-n", "never", "--tags", "a=b", "c="])).code).toBe(0);
    expect((await answerOf<Shown>("show", ["-n", "never"])).tags).toEqual({ a: "b", c: "" });
    const cancelled = await answerOf<Shown>("cancel", ["-n", "never"]);
    expect(cancelled.properties.cancel).toBe("True");
    expect((await run("watch", ["-n", "never"])).code).toBe(12);

    await answerOf("create", ["-n", "deleted", "-b", properties], { env: passwords });
    expect((await run("delete", ["-n", "deleted"])).code).toBe(2);
    expect((await run("delete", ["-n", "deleted", "--yes"])).code).toBe(0);
    expect((await run("watch", ["-n", "deleted"])).code).toBe(12);
  });
});

test("an online migration: watch until the cutover, cutover --watch to its end", async () => {
  const properties = await propertiesFile("live.json", ["live"]);
  const created = await run(
    "create",
    ["-n", "live", "-b", properties, "--migration-mode", "online", "--watch", "--until", "cutover"],
    { env: passwords },
  );
  expect(created.stdout).toContain("WaitingForCutoverTrigger");
  expect(created.code).toBe(0);
  await stage.source.query("insert into orders values (20001, 'late')", { database: "live" });
  const done = await run("cutover", ["-n", "live", "--databases", "live", "--watch"]);
  expect(done.code).toBe(0);
  expect(await stage.differences("live")).toEqual([]);
  const again = await run("update", ["-n", "live", "--cutover"]);
  expect(again.code).toBe(1);
  expect(again.stderr).toMatch(/^pgmigrate: MigrationEnded: /);
});

describe("passwords", () => {
  test("come from files, and are asked for on a terminal without being shown", async (context) => {
    const source = join(folder, "source-password");
    await writeFile(source, `${stage.source.password}\n`);
    const fromFile = await run("list-databases", ["-b", file, "--source-password-file", source]);
    expect(fromFile.code).toBe(0);
    const asked = await pgmigrateOnTerminal(
      ["list-databases", "-s", "target", "-b", file, "--url", stage.service.url],
      {
        onStart: (child) => {
          let answered = false;
          child.stdout?.on("data", (text: string) => {
            if (answered || !text.includes("Password of the source's user")) return;
            answered = true;
            child.stdin?.write(`${stage.source.password}\r`);
          });
        },
      },
    ).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      return context.skip("script is not installed here");
    });
    expect(asked.stdout).toMatch(/^shop /m);
    expect(asked.stdout).not.toContain(stage.source.password);
    expect(asked.code).toBe(0);
  });

  test("are asked for nowhere else, and no option takes one", async () => {
    const missing = await run("create", ["-n", "no-password", "-b", file]);
    expect(missing.stderr).toContain("set PGMIGRATE_SOURCE_PASSWORD, give --source-password-file");
    expect(missing.code).toBe(2);
    for (const name of await readdir(join(import.meta.dirname, "../../cli/src/commands"))) {
      const text = await readFile(join(import.meta.dirname, "../../cli/src/commands", name), "utf8");
      expect(text).not.toMatch(/--[\w-]*(password|key|token) </);
    }
  });
});

describe("exit codes", () => {
  test.each([
    ["an unknown command", ["bogus"], 2],
    ["an unknown option", ["show", "--bogus"], 2],
    ["no name", ["show", "-s", "target"], 2],
    ["no server", ["list"], 2],
    ["no file", ["create", "-s", "target", "-n", "x"], 2],
    ["a file that is not there", ["create", "-s", "target", "-n", "x", "-b", "/no/such/file"], 2],
    ["an address that is none", ["list", "-s", "target", "--url", "ftp://x"], 2],
    ["a service that is not there", ["show", "-s", "target", "-n", "x", "--url", "http://127.0.0.1:1"], 4],
  ])("%s", async (_, args, code) => {
    const outcome = await pgmigrate(args);
    expect(outcome.stderr).not.toBe("");
    expect(outcome.code).toBe(code);
  });

  test("no such migration is 3, help and version are 0, a body from the standard input that is refused is 1", async () => {
    expect((await run("show", ["-n", "nobody"])).code).toBe(3);
    expect((await run("watch", ["-n", "nobody"])).code).toBe(3);
    expect((await pgmigrate(["help", "watch"])).stdout).toContain("--until <moment>");
    expect((await pgmigrate(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const refused = await run("create", ["-n", "bad", "-b", "-"], { env: passwords, input: '{"properties": {}}' });
    expect(refused.stderr).toMatch(/^pgmigrate: InvalidRequest: /);
    expect(refused.stderr).toContain("properties.dbsToMigrate");
    expect(refused.code).toBe(1);
  });
});
