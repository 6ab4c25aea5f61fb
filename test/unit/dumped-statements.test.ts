import { expect, test } from "vitest";
import { classifyStatements } from "../../shared/schema/classify-statement.js";
import { splitStatements } from "../../shared/schema/split-statements.js";

/** Every kind of statement that PostgreSQL 18 has and pg_dump does not write for a schema, by the command that it begins with. */
const neverDumped = `
  ALTER COLLATION c REFRESH VERSION; ALTER DATABASE d SET x = 1; ALTER DATABASE d OWNER TO u; ALTER DATABASE d ALLOW_CONNECTIONS false;
  ALTER TYPE e ADD VALUE 'x'; ALTER EXTENSION x UPDATE; ALTER EXTENSION x ADD TABLE t; ALTER FOREIGN DATA WRAPPER w OPTIONS (a 'b');
  ALTER FUNCTION f() SECURITY DEFINER; ALTER ROLE u SUPERUSER; ALTER ROLE u SET role = 'postgres'; ALTER ROLE ALL SET search_path = x;
  ALTER USER u WITH PASSWORD 'x'; ALTER GROUP g ADD USER u; ALTER SERVER s OPTIONS (a 'b'); ALTER TABLE a RENAME TO b; ALTER TABLE t SET SCHEMA s;
  ALTER SUBSCRIPTION s ENABLE; ALTER SYSTEM SET archive_command = 'x'; ALTER TABLESPACE t SET (seq_page_cost = 1); ALTER USER MAPPING FOR u SERVER s OPTIONS (a 'b');
  ALTER POLICY p ON t USING (true); ALTER TEXT SEARCH DICTIONARY d (a = b); ANALYZE; BEGIN; COMMIT; ROLLBACK; SAVEPOINT s; CALL p(); CHECKPOINT;
  CLOSE c; CLUSTER t USING i; COMMENT ON DATABASE d IS 'x'; COMMENT ON ROLE r IS 'x'; COMMENT ON TABLESPACE t IS 'x'; COPY t TO PROGRAM 'id'; COPY t FROM '/etc/passwd';
  CREATE DATABASE d; CREATE ROLE r SUPERUSER; CREATE USER u; CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p; CREATE TABLESPACE t LOCATION '/x';
  CREATE TABLE t AS SELECT 1; CREATE MATERIALIZED VIEW v AS SELECT 1; CREATE SCHEMA s CREATE TABLE t (a int); DEALLOCATE p; DECLARE c CURSOR FOR SELECT 1;
  DELETE FROM t; DISCARD ALL; DO 'begin end'; DROP TABLE t; DROP OWNED BY u; DROP ROLE r; DROP DATABASE d; EXECUTE p; EXPLAIN ANALYZE DELETE FROM t; FETCH c;
  GRANT pg_execute_server_program TO u; GRANT SET ON PARAMETER x TO u; GRANT ALL ON DATABASE d TO u; GRANT CREATE ON TABLESPACE t TO u; REVOKE r FROM u;
  IMPORT FOREIGN SCHEMA s FROM SERVER r INTO x; INSERT INTO t VALUES (1); LISTEN x; LOAD 'x'; LOCK TABLE t; MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE;
  NOTIFY x; PREPARE p AS SELECT 1; PREPARE TRANSACTION 'x'; REASSIGN OWNED BY u TO v; REFRESH MATERIALIZED VIEW v; REINDEX TABLE t; SELECT 1;
  SECURITY LABEL ON ROLE r IS 'x'; SECURITY LABEL ON DATABASE d IS 'x'; SELECT pg_catalog.pg_read_file('x'); SELECT set_config('role', 'x', false); SELECT 1 INTO t;
  SET CONSTRAINTS ALL DEFERRED; SHOW x; TRUNCATE t; UNLISTEN x; UPDATE t SET a = 1; VACUUM; VALUES (1); TABLE t; WITH d AS (DELETE FROM t RETURNING 1) SELECT 1
`
  .split(";")
  .map((statement) => statement.trim())
  .filter((statement) => statement !== "");

test.each(neverDumped)("%s stops the migration, and is shown", async (statement) => {
  const dump = `CREATE TABLE public.t (a integer);\n\n${statement};\n`;
  const parsed = await splitStatements(dump);
  expect(() => classifyStatements(parsed)).toThrow(
    expect.objectContaining({ code: "UnexpectedStatement", message: expect.stringContaining(statement) }),
  );
});

test("a long statement is shown by its beginning", async () => {
  const parsed = await splitStatements(`DO '${"x".repeat(5_000)}';`);
  expect(() => classifyStatements(parsed)).toThrow(/it was not run: DO 'x{200,300}…/);
});
