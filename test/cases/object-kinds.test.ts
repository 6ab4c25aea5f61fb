/** docs/object-kinds.md names every kind of object that pg_dump 18 writes: each is made, moved and compared. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EmbeddedServer } from "../../local/embedded-server.js";
import { offlineMigration } from "../../local/migration-client.js";
import { repositoryRoot } from "../../local/repository-root.js";
import { availableMajors, type Major } from "../../local/server-binaries.js";
import { runPgDump } from "../../shared/schema/dump-schema.js";
import { everyObjectKind } from "../fixtures/every-object-kind.js";
import { statementsOf } from "../fixtures/migration-statements.js";
import { Stage } from "../fixtures/stage.js";

interface DocumentedKind {
  readonly kind: string;
  /** What the table says of the test: this one, when the kind is in a dump. */
  readonly test: string;
}

async function documentedKinds(): Promise<DocumentedKind[]> {
  const text = await readFile(join(repositoryRoot, "docs/object-kinds.md"), "utf8");
  return [...text.matchAll(/^\| `([^`]+)` \|.*\| ([^|]*) \|$/gm)].map(([, kind = "", shown = ""]) => ({
    kind,
    test: shown.trim(),
  }));
}

/**
 * Kinds that pg_dump writes without a header of their own, or only for pg_upgrade; and large objects, which it reads by function calls that do not go
 * through our bridge: they are compared by a query.
 */
const withoutHeader = ["ENCODING", "STDSTRINGS", "SEARCHPATH", "SUBSCRIPTION TABLE", "BLOB", "BLOB METADATA", "BLOBS"];

const largeObjects = `
  select
    oid::int as oid,
    pg_get_userbyid(lomowner) as owner,
    lomacl::text as privileges,
    obj_description(oid, 'pg_largeobject') as comment,
    convert_from(lo_get(oid), 'UTF8') as content
  from pg_largeobject_metadata
`;

/** A whole dump's entries by their header, e.g. "Name: one; Type: TABLE; Schema: k; Owner: kind_owner". */
async function wholeDump(server: EmbeddedServer): Promise<Record<string, string>> {
  const client = await server.connect("kinds");
  const entries: Record<string, string> = {};
  try {
    const args = ["--create", "--encoding=UTF8", "--statistics", "--no-large-objects"];
    const text = await runPgDump(client, args, { section: "pre-data", timeLimitMs: 60_000 });
    for (const entry of text.split("\n--\n-- ").slice(1)) {
      const [header = "", ...body] = entry.split("\n");
      if (!header.includes("; Type: ")) continue;
      const name = header.replace(/^Data for /, "");
      const statements = body.filter((line) => !/^(--|SET |\\(un)?restrict |\\connect |$)/.test(line)).join("\n");
      entries[name] = `${entries[name] ?? ""}${statements}`;
    }
    return entries;
  } finally {
    await client.end();
  }
}

const typeOf = (header: string) => /; Type: ([^;]+);/.exec(header)?.[1] ?? "";

test("every kind of the table is in pg_dump 18, by its name", async () => {
  const folder = dirname(createRequire(import.meta.url).resolve("@electric-sql/pglite-tools/pg_dump"));
  const binary = (await readFile(join(folder, "pg_dump.wasm"))).toString("latin1");
  const kinds = await documentedKinds();
  expect(kinds.length).toBeGreaterThan(50);
  // The linker puts two constants into one where the one ends as the other does.
  const ends = (kind: string) => binary.includes(`${kind}\0`);
  expect(kinds.filter(({ kind }) => !ends(kind))).toEqual([]);
});

const sources: Major[] = [15, 17];

describe.each(sources.filter((major) => availableMajors().includes(major)))("from %s to 18", (major) => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open({ source: { major }, target: { major: 18 } });
    for (const server of [stage.source, stage.target]) {
      await server.query("create role kind_owner; create role kind_reader;");
    }
    await stage.source.query("create database kinds");
    await stage.source.query("alter database kinds set work_mem = '8MB'; comment on database kinds is 'of all kinds'");
    await stage.source.query(everyObjectKind, { database: "kinds" });
    await stage.source.query("analyze", { database: "kinds" });
  }, 120_000);
  afterAll(async () => await stage?.close());

  test("one object of every kind is dumped, and the two sides' dumps differ in what the table says", async () => {
    const { client, source, target } = stage;
    await client.start("kinds", offlineMigration(source, target, ["kinds"]));
    await client.waitForState("kinds", "Succeeded", 120);
    const [before, after] = await Promise.all([wholeDump(source), wholeDump(target)]);

    const seen = new Set(Object.keys(before).map(typeOf));
    const documented = (await documentedKinds()).map(({ kind }) => kind);
    expect([...seen].filter((kind) => !documented.includes(kind))).toEqual([]);
    expect(documented.filter((kind) => !seen.has(kind) && !withoutHeader.includes(kind))).toEqual([]);

    const compared = (entries: Record<string, string>) =>
      Object.fromEntries(
        Object.entries(entries)
          // A subscription would pull from its publisher; a label's provider is not on the target; statistics are each server's own.
          .filter(([header]) => !/^(SUBSCRIPTION|SECURITY LABEL|STATISTICS DATA)$/.test(typeOf(header)))
          .filter(([header]) => !/SUBSCRIPTION k_subscription/.test(header))
          .map(([header, text]) => [
            header,
            text
              .replaceAll(/^ALTER [^\n]* SET \(pg_attver=\d+\);\n?/gm, "")
              .replaceAll(/ (one|k)\.(?=(id|note)\b)/g, " ")
              .trim(),
          ]),
      );
    expect(compared(after)).toEqual(compared(before));
    const objects = await source.query(largeObjects, { database: "kinds" });
    expect(objects).toHaveLength(1);
    expect(await target.query(largeObjects, { database: "kinds" })).toEqual(objects);
    expect((await statementsOf(stage, "kinds")).map(({ object, fate }) => [object, fate])).toEqual([
      ["security label on view k.view", "leftOut"],
    ]);
    expect(await stage.differences("kinds")).toEqual([]);
  }, 180_000);
});
