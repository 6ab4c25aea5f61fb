import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planSchema, type SchemaPlan } from "../../shared/schema/schema-plan.js";
import type { SchemaStatement, StatementKind } from "../../shared/schema/schema-statement.js";

const kinds: StatementKind[] = [
  "extension",
  "index",
  "constraint",
  "foreignKey",
  "check",
  "comment",
  "owner",
  "grant",
  "defaultPrivileges",
  "policy",
  "userMapping",
  "publication",
  "securityLabel",
  "eventTrigger",
  "other",
];
const relation = fc.record({ schema: fc.constantFrom("s", "S.t", "s\nx"), name: fc.constantFrom("a", "t.a", "b") });
const statement = fc
  .record({
    kind: fc.constantFrom(...kinds),
    relation: fc.option(relation, { nil: undefined }),
    references: relation,
    onEventTrigger: fc.boolean(),
  })
  .map((picked) => ({
    kind: picked.kind,
    object: picked.kind,
    roles: [],
    ...(picked.relation === undefined ? {} : { relation: picked.relation }),
    ...(picked.kind === "foreignKey" ? { foreignKey: { name: 'f "k"', references: picked.references } } : {}),
    ...(picked.kind === "eventTrigger" || (picked.onEventTrigger && /owner|comment/.test(picked.kind))
      ? { objectType: "EVENT_TRIGGER" }
      : {}),
  }));

function numbered(section: string, statements: Omit<SchemaStatement, "sql">[]): SchemaStatement[] {
  return statements.map((picked, index) => ({ ...picked, sql: `${section} ${index}` }));
}

function groups(plan: SchemaPlan) {
  return [plan.preData, plan.rest, plan.rowSecurity, plan.comments, plan.ownership, plan.eventTriggers].flat();
}

function longStatements(plan: SchemaPlan) {
  return [plan.tableIndexes, plan.foreignKeys].flat().flatMap((table) => table.statements);
}

const anyInput = fc.record({
  pre: fc.array(statement, { maxLength: 500 }),
  post: fc.array(statement, { maxLength: 500 }),
  tables: fc.uniqueArray(
    fc.record({ schema: fc.constantFrom("s", "S.t"), name: fc.constantFrom("a", "t.a"), bytes: fc.nat() }),
    {
      selector: (table) => JSON.stringify([table.schema, table.name]),
    },
  ),
  materializedViews: fc.array(relation, { maxLength: 3 }),
});

describe("a plan", () => {
  test("has every statement of the dump exactly once, a foreign key perhaps in two steps, and every id once", () => {
    fc.assert(
      fc.property(anyInput, ({ pre, post, tables, materializedViews }) => {
        const preData = numbered("pre", pre);
        const postData = numbered("post", post);
        const plan = planSchema({ preData, postData, tables, materializedViews });
        const planned = [
          ...groups(plan).flatMap((group) => group.statements.map(({ sql }) => sql)),
          ...longStatements(plan).map(({ sql }) => sql),
        ];
        const validations = planned.filter((sql) => sql.includes("validate constraint"));
        const added = planned.filter((sql) => sql.endsWith(" NOT VALID"));
        expect(validations).toHaveLength(added.length);
        expect(
          planned
            .filter((sql) => !validations.includes(sql))
            .map((sql) => sql.replace(/ NOT VALID$/, ""))
            .sort(),
        ).toEqual([...preData, ...postData].map(({ sql }) => sql).sort());
        const ids = [...groups(plan), ...longStatements(plan), ...plan.refreshes].map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
      }),
    );
  });

  test("keeps the dump's order within a phase, and no transaction grows beyond its limit", () => {
    fc.assert(
      fc.property(anyInput, ({ pre, post, tables }) => {
        const preData = numbered("pre", pre);
        const postData = numbered("post", post);
        const plan = planSchema({ preData, postData, tables, materializedViews: [] });
        const place = new Map([...preData, ...postData].map(({ sql }, index) => [sql, index]));
        for (const phase of [plan.preData, plan.rest, plan.comments, plan.eventTriggers]) {
          const places = phase.flatMap((group) =>
            group.statements.map(({ sql }) => place.get(sql.replace(/ NOT VALID$/, "")) ?? -1),
          );
          expect(places).toEqual([...places].sort((one, other) => one - other));
        }
        expect(Math.max(0, ...groups(plan).map((group) => group.statements.length))).toBeLessThanOrEqual(200);
      }),
    );
  });

  test("is the same on every run", () => {
    fc.assert(
      fc.property(anyInput, ({ pre, post, tables, materializedViews }) => {
        const input = { preData: numbered("pre", pre), postData: numbered("post", post), tables, materializedViews };
        expect(planSchema(input)).toEqual(planSchema(structuredClone(input)));
      }),
    );
  });

  const table = { schema: "s", name: "t" };
  const index: SchemaStatement = { sql: "index", kind: "index", object: "i", roles: [], relation: table };

  test("builds a table's indexes when its rows are in, but those of relations without rows with the rest", () => {
    const parentIndex: SchemaStatement = { ...index, sql: "parent", relation: { schema: "s", name: "parent" } };
    const plan = planSchema({
      preData: [],
      postData: [index, parentIndex],
      tables: [{ ...table, bytes: 1 }],
      materializedViews: [],
    });
    expect(plan.tableIndexes).toEqual([
      { relation: table, statements: [{ id: "tableIndexes/1", sql: "index", object: "i", kind: "index" }] },
    ]);
    expect(plan.rest).toEqual([{ id: "rest/1", statements: [parentIndex] }]);
  });

  test("adds a foreign key between ordinary tables at once and validates it later; others in one go", () => {
    const foreignKey = (references: string): SchemaStatement => ({
      sql: `key to ${references}`,
      kind: "foreignKey",
      object: "k",
      roles: [],
      relation: table,
      foreignKey: { name: "k;", references: { schema: "s", name: references } },
    });
    const plan = planSchema({
      preData: [],
      postData: [foreignKey("t"), foreignKey("partitioned")],
      tables: [{ ...table, bytes: 1 }],
      materializedViews: [],
    });
    expect(plan.rest.flatMap(({ statements }) => statements.map(({ sql }) => sql))).toEqual(["key to t NOT VALID"]);
    expect(plan.foreignKeys[0]?.statements.map(({ sql }) => sql)).toEqual([
      'alter table "s"."t" validate constraint "k;"',
      "key to partitioned",
    ]);
  });

  test("takes the largest table's indexes first", () => {
    const names = ["small", "large", "middle"];
    const plan = planSchema({
      preData: [],
      postData: names.map((name) => ({ ...index, sql: name, relation: { schema: "s", name } })),
      tables: names.map((name, number) => ({ schema: "s", name, bytes: [1, 1e12, 1e9][number] ?? 0 })),
      materializedViews: [],
    });
    expect(plan.tableIndexes.map((entry) => entry.relation.name)).toEqual(["large", "middle", "small"]);
  });

  test("gives ownership away before privileges, and privileges before default privileges", () => {
    const all = (["defaultPrivileges", "grant", "owner"] as const).map((kind) => ({
      sql: kind,
      kind,
      object: kind,
      roles: [],
    }));
    const plan = planSchema({ preData: all, postData: [], tables: [], materializedViews: [] });
    expect(plan.ownership[0]?.statements.map(({ sql }) => sql)).toEqual(["owner", "grant", "defaultPrivileges"]);
  });
});
