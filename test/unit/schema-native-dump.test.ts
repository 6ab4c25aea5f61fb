import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { dumpSchemaNatively } from "../../shared/schema/dump-schema-natively.js";

const connection = {
  endpoint: { host: "localhost", port: 5433, user: "Ann O'Nym", sslMode: "VerifyFull" as const },
  password: "s3cret word",
  database: "odd = name",
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pgmigration-dump-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function program(name: string, script: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

test("a program of one's own is told all by environment and options, and its output is the dump", async () => {
  const path = await program(
    "tells",
    'echo "$PGUSER|$PGPASSWORD|$PGHOST|$PGHOSTADDR|$PGPORT|$PGDATABASE|$PGSSLMODE|$SECRETS_KEY"; for option; do echo "$option"; done',
  );
  process.env.SECRETS_KEY = "not for others";
  const dump = await dumpSchemaNatively(path, connection, {
    section: "pre-data",
    snapshot: "1-2-3",
    timeLimitMs: 5_000,
    excludedSchemas: ["_pgmig"],
  });
  delete process.env.SECRETS_KEY;
  const [environment, ...options] = dump.trimEnd().split("\n");
  expect(environment).toMatch(
    /^Ann O'Nym\|s3cret word\|localhost\|(127\.0\.0\.1|::1)\|5433\|odd = name\|verify-full\|$/,
  );
  expect(options).toEqual(
    expect.arrayContaining(["--section=pre-data", "--snapshot=1-2-3", '--exclude-schema="_pgmig"']),
  );
  expect(options.join()).not.toContain("s3cret");
});

test("its failure is told in its own words", async () => {
  const path = await program("fails", 'echo "pg_dump: error: no such luck" >&2; exit 3');
  await expect(dumpSchemaNatively(path, connection, { section: "pre-data", timeLimitMs: 5_000 })).rejects.toMatchObject(
    {
      code: "SchemaDumpFailed",
      message: "The schema could not be read (pre-data): exit code 3: pg_dump: error: no such luck",
    },
  );
  await expect(
    dumpSchemaNatively(join(folder, "absent"), connection, { section: "pre-data", timeLimitMs: 5_000 }),
  ).rejects.toMatchObject({ code: "SchemaDumpFailed", message: expect.stringContaining("ENOENT") });
});

test("it is stopped when its time is up", async () => {
  const path = await program("hangs", "exec sleep 60");
  const began = Date.now();
  await expect(dumpSchemaNatively(path, connection, { section: "pre-data", timeLimitMs: 300 })).rejects.toMatchObject({
    code: "SchemaDumpTimedOut",
  });
  expect(Date.now() - began).toBeLessThan(10_000);
});
