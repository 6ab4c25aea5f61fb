import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { classifyStatements } from "../../shared/schema/classify-statement.js";
import { splitStatements } from "../../shared/schema/split-statements.js";

const preamble = `--
-- PostgreSQL database dump
--

\\restrict kEy123

-- Dumped from database version 12.22
-- Dumped by pg_dump version 18.3

SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);
SET default_table_access_method = heap;
`;
const ending = `

--
-- PostgreSQL database dump complete
--

\\unrestrict kEy123

`;

function heading(name: string): string {
  return `\n--\n-- Name: ${name}; Type: X; Schema: public; Owner: postgres\n--\n\n`;
}

async function classified(sql: string) {
  return classifyStatements(await splitStatements(preamble + heading("x") + sql + ending));
}

describe("splitting a dump", () => {
  test("a function keeps every line of its body, whatever it looks like", async () => {
    const body = [
      "begin; end;",
      "\\restrict kEy123",
      "",
      "--",
      "-- Name: not an object; Type: TABLE; Schema: public; Owner: me",
      "--",
      "",
      "create table no.such(); select '$$ ''; \" 😀';",
      "\\unrestrict kEy123",
      "",
    ].join("\n");
    const sql = `CREATE FUNCTION public.f() RETURNS text\n    LANGUAGE plpgsql\n    AS $_$${body}$_$`;
    const statements = await splitStatements(
      `${preamble}${heading("f()")}${sql};\n\n${heading("t")}CREATE TABLE public.t (\n);\n${ending}`,
    );
    expect(statements.map((statement) => statement.sql).slice(-2)).toEqual([sql, "CREATE TABLE public.t (\n)"]);
  });

  test("what looks like a heading inside strings, far apart, never cuts a statement", async () => {
    const fake = heading("fake");
    const piece = fc.constantFrom("x".repeat(20_000), fake, "é😀", "';;", "\n", "$a$", '"', "--", "/*");
    const body = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
    await fc.assert(
      fc.asyncProperty(fc.array(body, { minLength: 1, maxLength: 8 }), async (bodies) => {
        const expected = bodies.flatMap((text, number) => {
          const literal = text.replaceAll("'", "''");
          return [
            `CREATE FUNCTION public.f${number}() RETURNS text\n    LANGUAGE sql\n    AS $b_d$${text}$b_d$`,
            `COMMENT ON FUNCTION public.f${number}() IS '${literal}'`,
          ];
        });
        const dump = preamble + expected.map((sql) => `${heading("f")}${sql};\n\n\n`).join("") + ending;
        const statements = classifyStatements(await splitStatements(dump));
        expect(statements.map((statement) => statement.sql)).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  test("text that PostgreSQL's parser refuses is an error that names the object", async () => {
    await expect(splitStatements(`${preamble}${heading("odd")}CREATE GIZMO public.odd;\n${ending}`)).rejects.toThrow(
      /near Name: odd; Type: X.*syntax error at or near "GIZMO"/s,
    );
  });
});

describe("classifying statements", () => {
  test.each([
    ["CREATE INDEX i ON ONLY s.t USING btree (a)", "index", "index s.i", { schema: "s", name: "t" }],
    [
      'ALTER TABLE ONLY "S x"."t.y" ADD CONSTRAINT pk PRIMARY KEY (a)',
      "constraint",
      'constraint pk on table "S x"."t.y"',
      { schema: "S x", name: "t.y" },
    ],
    [
      "ALTER TABLE s.t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES s.u(b)",
      "foreignKey",
      "constraint f on table s.t",
      { schema: "s", name: "t" },
    ],
    [
      "ALTER TABLE s.t ADD CONSTRAINT c CHECK (a > 0)",
      "check",
      "constraint c on table s.t",
      { schema: "s", name: "t" },
    ],
    [
      "ALTER TABLE s.t ADD CONSTRAINT c CHECK (a > 0) NOT VALID",
      "other",
      "constraint c on table s.t",
      { schema: "s", name: "t" },
    ],
    [
      "ALTER TABLE s.t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES s.u(b) NOT VALID",
      "other",
      "constraint f on table s.t",
      { schema: "s", name: "t" },
    ],
    ["ALTER INDEX s.i ATTACH PARTITION s.j", "other", "index s.i", undefined],
    ["ALTER TABLE s.t REPLICA IDENTITY FULL", "other", "table s.t", { schema: "s", name: "t" }],
    ["CREATE EXTENSION IF NOT EXISTS hstore WITH SCHEMA public", "extension", "extension hstore", undefined],
    ["COMMENT ON COLUMN s.t.c IS 'x'", "comment", "comment on column s.t.c", undefined],
    ["CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION s.f()", "eventTrigger", "event trigger e", undefined],
  ])("%s", async (sql, kind, object, relation) => {
    const [statement] = await classified(`${sql};`);
    expect(statement).toMatchObject({ sql, kind, object, roles: [] });
    expect(statement?.relation).toEqual(relation);
  });

  test.each([
    ["ALTER TABLE s.t OWNER TO bob", "owner", ["bob"]],
    ['ALTER FUNCTION s.f(integer) OWNER TO "B o"', "owner", ["B o"]],
    ['GRANT SELECT ON TABLE s.t TO carol, "D", PUBLIC WITH GRANT OPTION', "grant", ["carol", "D"]],
    ["REVOKE ALL ON SCHEMA s FROM PUBLIC", "grant", []],
    [
      "ALTER DEFAULT PRIVILEGES FOR ROLE bob IN SCHEMA s GRANT SELECT ON TABLES TO carol",
      "defaultPrivileges",
      ["bob", "carol"],
    ],
    ["CREATE POLICY p ON s.t TO bob, carol USING (true)", "policy", ["bob", "carol"]],
    ["CREATE USER MAPPING FOR bob SERVER s", "userMapping", ["bob"]],
  ])("%s names its roles", async (sql, kind, roles) => {
    expect(await classified(`${sql};`)).toEqual([expect.objectContaining({ sql, kind, roles })]);
  });

  test("a grant made by somebody else stays with the change of session that makes it theirs", async () => {
    const statements = await classified(`SET SESSION AUTHORIZATION bob;
GRANT SELECT ON TABLE s.t TO carol;
RESET SESSION AUTHORIZATION;
GRANT SELECT ON TABLE s.t TO dave;`);
    expect(statements).toEqual([
      expect.objectContaining({
        kind: "grant",
        roles: ["bob", "carol"],
        sql: 'set role "bob";\nGRANT SELECT ON TABLE s.t TO carol;\nset role none',
      }),
      expect.objectContaining({ kind: "grant", roles: ["dave"], sql: "GRANT SELECT ON TABLE s.t TO dave" }),
    ]);
  });

  test("a table keeps the access method that it was dumped with", async () => {
    const statements = await classified(`SET default_table_access_method = columnar;
CREATE TABLE s.a (x integer);
SET default_table_access_method = heap;
CREATE TABLE s.b (x integer);`);
    expect(statements.map((statement) => statement.sql)).toEqual([
      "SET default_table_access_method = columnar;\nCREATE TABLE s.a (x integer);\nRESET default_table_access_method",
      "CREATE TABLE s.b (x integer)",
    ]);
  });
});
