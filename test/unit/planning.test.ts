import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planJobs } from "../../shared/planning/jobs.js";
import { type LoadDependency, loadChains } from "../../shared/planning/load-chains.js";
import { cutPart, type Part, type PlannableTable, planParts } from "../../shared/planning/parts.js";
import { planProofs } from "../../shared/planning/proofs.js";
import { planRounds } from "../../shared/planning/rounds.js";
import { packTasks } from "../../shared/planning/tasks.js";
import type { SchemaPlan } from "../../shared/schema/schema-plan.js";

const MB = 1024 * 1024;
const partSizeBytes = 256 * MB;

const size = fc.oneof(fc.nat({ max: MB }), fc.nat({ max: 3_000 * MB }));
const tables = fc
  .uniqueArray(
    fc.record({ name: fc.string({ minLength: 1, maxLength: 8 }), bytes: size, blocks: fc.nat({ max: 400_000 }) }),
    {
      selector: ({ name }) => name,
      maxLength: 60,
    },
  )
  .map((drawn) =>
    drawn.map((table): PlannableTable => ({ schema: "public", columns: ["a"], rowFilter: undefined, ...table })),
  );

function table(fields: Partial<PlannableTable>): PlannableTable {
  return { schema: "public", name: "t", columns: ["a"], rowFilter: undefined, bytes: 0, blocks: 0, ...fields };
}

describe("chains of tables", () => {
  const dependency = (name: string, refersTo: string): LoadDependency => ({
    schema: "public",
    name,
    refersTo: { schema: "public", name: refersTo },
  });

  test("hold every table once, after those that it refers to, whatever the names", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: 12 }), fc.nat({ max: 12 })), { maxLength: 30 }), (drawn) => {
        // The larger number refers to the smaller one: no circle. The names are in no order.
        const name = (number: number) => `${(number * 7) % 13}`;
        const references = drawn
          .filter(([one, other]) => one !== other)
          .map(([one, other]) => [Math.max(one, other), Math.min(one, other)] as const);
        const chains = loadChains(references.map(([one, other]) => dependency(name(one), name(other))));
        const loaded = chains.flat().map((table) => table.name);
        expect(new Set(loaded).size).toBe(loaded.length);
        expect(new Set(loaded)).toEqual(new Set(references.flat().map(name)));
        for (const [one, other] of references) {
          const chain =
            chains.find((tables) => tables.some((table) => table.name === name(one)))?.map((table) => table.name) ?? [];
          expect(chain.indexOf(name(other))).toBeGreaterThanOrEqual(0);
          expect(chain.indexOf(name(other))).toBeLessThan(chain.indexOf(name(one)));
        }
      }),
    );
  });

  test("that refer to each other in a circle are loaded all the same", () => {
    expect(loadChains([dependency("b", "a"), dependency("a", "b")])).toEqual([
      [
        { schema: "public", name: "b" },
        { schema: "public", name: "a" },
      ],
    ]);
  });

  test("are one task, in their order, whatever their sizes", () => {
    const parts = [
      ...planParts(table({ name: "child", bytes: 900 * MB, rowFilter: "" }), partSizeBytes),
      ...planParts(table({ name: "other", bytes: 1 }), partSizeBytes),
      ...planParts(table({ name: "parent", bytes: 1, rowFilter: "" }), partSizeBytes),
    ];
    const packed = packTasks(parts, { partSizeBytes, parallelCopies: 4 }, loadChains([dependency("child", "parent")]));
    expect(packed.map((task) => task.parts.map((part) => part.table))).toEqual([["parent", "child"], ["other"]]);
  });
});

describe("parts", () => {
  test("cover a table's blocks without gap or overlap, and are open at both ends", () => {
    fc.assert(
      fc.property(size, fc.nat({ max: 1_000_000 }), (bytes, blocks) => {
        const parts = planParts(table({ bytes, blocks }), partSizeBytes);
        expect(parts[0]?.firstBlock).toBeUndefined();
        expect(parts.at(-1)?.endBlock).toBeUndefined();
        for (const [index, part] of parts.slice(1).entries()) {
          expect(part.firstBlock).toBe(parts[index]?.endBlock);
          expect(part.firstBlock).toBeGreaterThan(parts[index]?.firstBlock ?? 0);
        }
        expect(parts.map(({ part }) => part)).toEqual(parts.map((_, index) => index + 1));
      }),
    );
  });

  test("are cut further without gap or overlap, and stay as open as they were", () => {
    fc.assert(
      fc.property(
        size,
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.integer({ min: 2, max: 9 }),
        (bytes, blocks, pieces) => {
          for (const part of planParts(table({ bytes, blocks }), partSizeBytes)) {
            const cut = cutPart(part, blocks, pieces);
            expect(cut[0]?.firstBlock).toBe(part.firstBlock);
            expect(cut.at(-1)?.endBlock).toBe(part.endBlock);
            for (const [index, piece] of cut.slice(1).entries()) {
              expect(piece.firstBlock).toBe(cut[index]?.endBlock);
              expect(piece.firstBlock).toBeGreaterThan(cut[index]?.firstBlock ?? 0);
            }
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  test("are of about the size asked for", () => {
    expect(planParts(table({ bytes: 256 * MB, blocks: 32_768 }), partSizeBytes)).toHaveLength(1);
    expect(planParts(table({ bytes: 257 * MB, blocks: 32_896 }), partSizeBytes)).toHaveLength(2);
    expect(planParts(table({ bytes: 10_240 * MB, blocks: 1_310_720 }), partSizeBytes)).toHaveLength(40);
  });

  test("are no more than the blocks there are: a few huge rows cannot be cut further", () => {
    expect(planParts(table({ bytes: 2_000 * MB, blocks: 2 }), partSizeBytes)).toHaveLength(2);
  });

  test("of an extension's configuration table are one, for a filter has no ctid", () => {
    expect(
      planParts(table({ bytes: 900 * MB, blocks: 115_200, rowFilter: "where custom" }), partSizeBytes),
    ).toHaveLength(1);
  });
});

describe("tasks", () => {
  test("carry every part exactly once", () => {
    fc.assert(
      fc.property(tables, fc.integer({ min: 1, max: 16 }), (drawn, parallelCopies) => {
        const parts = drawn.flatMap((one) => planParts(one, partSizeBytes));
        const packed = packTasks(parts, { partSizeBytes, parallelCopies });
        const name = (part: Part) => `${part.table}#${part.part}`;
        expect(packed.flatMap((task) => task.parts.map(name)).sort()).toEqual(parts.map(name).sort());
        expect(packed.map(({ task }) => task)).toEqual(packed.map((_, index) => index + 1));
      }),
    );
  });

  test("of 2,000 small tables are a few batches, enough for every copy at once", () => {
    const parts = Array.from({ length: 2_000 }, (_, index) =>
      planParts(table({ name: `t${index}`, bytes: 8_192, blocks: 1 }), partSizeBytes),
    ).flat();
    const packed = packTasks(parts, { partSizeBytes, parallelCopies: 4 });
    expect(packed).toHaveLength(4);
    expect(packed.every(({ batch }) => batch)).toBe(true);
  });

  test("start with the largest table, its parts side by side", () => {
    const parts = [
      ...planParts(table({ name: "small", bytes: MB, blocks: 128 }), partSizeBytes),
      ...planParts(table({ name: "middle", bytes: 600 * MB, blocks: 76_800 }), partSizeBytes),
      ...planParts(table({ name: "large", bytes: 1_000 * MB, blocks: 128_000 }), partSizeBytes),
    ];
    const order = packTasks(parts, { partSizeBytes, parallelCopies: 4 }).map((task) => task.parts[0]?.table);
    expect(order).toEqual(["large", "large", "large", "large", "middle", "middle", "middle", "small"]);
  });
});

describe("rounds", () => {
  test("carry every task, job and proof once, a job or proof never before its last task, and stay below 200 activities", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 700 }),
        fc.array(fc.array(fc.nat({ max: 699 }), { maxLength: 4 }), { maxLength: 300 }),
        (count, drawn) => {
          const tasks = Array.from({ length: count }, (_, index) => ({ task: index + 1, parts: [], batch: false }));
          const jobs = drawn.map((after, index) => ({
            job: index + 1,
            after: count === 0 ? [] : after.map((task) => (task % count) + 1),
          }));
          const proofs = jobs.slice(0, count).map(({ after }, index) => ({ task: index + 1, after }));
          const rounds = planRounds(tasks, jobs, proofs);
          expect(rounds.flatMap((round) => round.tasks)).toEqual(tasks.map(({ task }) => task));
          expect(rounds.flatMap((round) => round.jobs.map(({ job }) => job)).sort((a, b) => a - b)).toEqual(
            jobs.map(({ job }) => job),
          );
          expect(rounds.flatMap((round) => round.proofs.map(({ task }) => task)).sort((a, b) => a - b)).toEqual(
            proofs.map(({ task }) => task),
          );
          const done = new Set<number>();
          for (const round of rounds) {
            for (const task of round.tasks) done.add(task);
            for (const job of [...round.jobs, ...round.proofs])
              expect(job.after.every((task) => done.has(task))).toBe(true);
          }
        },
      ),
    );
  });

  test("are many when there are many parts", () => {
    const tasks = Array.from({ length: 1_000 }, (_, index) => ({ task: index + 1, parts: [], batch: false }));
    const rounds = planRounds(tasks, [], []);
    expect(Math.max(...rounds.map((round) => round.tasks.length))).toBeLessThanOrEqual(200);
    expect(rounds.length).toBeGreaterThan(5);
  });
});

describe("proofs", () => {
  const part = (name: string, root?: string) => ({
    ...planParts(table({ name, bytes: MB, blocks: 128 }), partSizeBytes)[0],
    root: root === undefined ? undefined : { schema: "public", name: root },
  });

  test("wait for every task that loads their tables, and for all leaves of a tree that is loaded through its root", () => {
    const large = planParts(table({ name: "large", bytes: 1_000 * MB, blocks: 128_000 }), partSizeBytes);
    const tasks = [
      ...large.map((one, index) => ({ task: index + 1, parts: [one], batch: false })),
      { task: 5, parts: [part("a"), part("leaf_1", "tree")] as Part[], batch: true },
      { task: 6, parts: [part("b"), part("leaf_2", "tree")] as Part[], batch: true },
      { task: 7, parts: [part("c")] as Part[], batch: true },
    ];
    expect(planProofs(tasks)).toEqual([
      ...[1, 2, 3, 4].map((task) => ({ task, after: [1, 2, 3, 4] })),
      { task: 5, after: [5, 6] },
      { task: 6, after: [5, 6] },
      { task: 7, after: [7] },
    ]);
  });
});

describe("jobs", () => {
  const empty: SchemaPlan = {
    preData: [],
    tableIndexes: [],
    rest: [],
    foreignKeys: [],
    rowSecurity: [],
    comments: [],
    ownership: [],
    refreshes: [],
    afterFollowing: [],
    eventTriggers: [],
  };
  const index = (name: string, number: number) => ({
    id: `tableIndexes/${number}`,
    sql: `create index on ${name}`,
    object: `index ${number}`,
    kind: "index" as const,
  });

  test("of a large table are one an index, after all of its parts; those of a batch are one together", () => {
    const parts = [
      ...planParts(table({ name: "large", bytes: 700 * MB, blocks: 89_600 }), partSizeBytes),
      ...planParts(table({ name: "a", bytes: 8_192, blocks: 1 }), partSizeBytes),
      ...planParts(table({ name: "b", bytes: 8_192, blocks: 1 }), partSizeBytes),
    ];
    const tasks = packTasks(parts, { partSizeBytes, parallelCopies: 4 });
    const plan = planJobs(
      {
        ...empty,
        tableIndexes: [
          { relation: { schema: "public", name: "large" }, statements: [index("large", 1), index("large", 2)] },
          { relation: { schema: "public", name: "a" }, statements: [index("a", 3)] },
          { relation: { schema: "public", name: "b" }, statements: [index("b", 4)] },
        ],
      },
      tasks,
      [],
    );
    expect(plan.indexJobs.map(({ after }) => after)).toEqual([[1, 2, 3], [1, 2, 3], [4]]);
    expect(plan.jobs.map(({ content }) => content.kind)).toEqual(["groups", "long", "long", "groups", "retry"]);
  });
});
