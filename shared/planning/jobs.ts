/** Packing a schema plan's statements into jobs: what one activity applies. Pure. */
import type { IndexJob } from "../model/steps.js";
import type { LongStatement, SchemaPlan, StatementGroup, TableStatements } from "../schema/schema-plan.js";
import { LoadingTasks } from "./proofs.js";
import type { CopyTask } from "./tasks.js";

/**
 * Short statements, a transaction a group; or long ones, each of which may outlive the function that started it; or what
 * the target has refused so far, tried again.
 */
export type JobContent =
  | { readonly kind: "retry" }
  | { readonly kind: "groups"; readonly groups: readonly StatementGroup[] }
  | { readonly kind: "long"; readonly statements: readonly LongStatement[] };

export interface Job {
  readonly job: number;
  /** For people, e.g. "adding foreign keys". */
  readonly phase: string;
  readonly content: JobContent;
}

export interface JobPlan {
  readonly jobs: readonly Job[];
  readonly preData: number;
  readonly indexJobs: readonly IndexJob[];
  readonly afterData: readonly (readonly number[])[];
  readonly afterProof: readonly (readonly number[])[];
  readonly last: number | null;
}

/** The phase before the copy. */
export const creatingSchema = "creating the schema";

/** The phase that goes on beside the copy. */
export const buildingIndexes = "building indexes";

/** The last phase: what was refused may only have come too early. */
export const tryingAgain = "trying refused statements again";

/** Statements on small tables that share one transaction: its locks must fit the server's lock table. */
const statementsPerGroup = 100;

/** Jobs of large tables in one phase at most: a database has few large tables, but it may have many partitioned ones. */
const longJobsPerPhase = 40;

/** Groups of small tables that one job applies. */
const groupsPerJob = 20;

export function planJobs(schema: SchemaPlan, tasks: readonly CopyTask[], analyze: readonly TableStatements[]): JobPlan {
  const jobs: Job[] = [];
  const add = (phase: string, content: JobContent): number => {
    jobs.push({ job: jobs.length + 1, phase, content });
    return jobs.length;
  };
  const inOrder = (phase: string, groups: readonly StatementGroup[]): number[] =>
    groups.length === 0 ? [] : [add(phase, { kind: "groups", groups })];
  const sizes = new TaskSizes(tasks);
  const loading = new LoadingTasks(tasks);
  const perTable = (phase: string, tables: readonly TableStatements[]): number[] => {
    const small = tables.filter(({ relation }) => sizes.isSmall(relation));
    const large = tables.filter(({ relation }) => !sizes.isSmall(relation));
    const groups = groupsOf(small.flatMap(({ statements }) => statements));
    return [
      ...spread(large, longJobsPerPhase).map((share) =>
        add(phase, { kind: "long", statements: share.flatMap(({ statements }) => statements) }),
      ),
      ...chunks(groups, groupsPerJob).map((chunk) => add(phase, { kind: "groups", groups: chunk })),
    ];
  };

  const preData = add(creatingSchema, { kind: "groups", groups: schema.preData });
  const indexJobs = planIndexJobs(schema.tableIndexes, sizes, loading, add);
  const afterData = [
    inOrder("creating triggers and rules", schema.rest),
    perTable("adding foreign keys", schema.foreignKeys),
    // Before the tables are given away: it takes the rights of the owner.
    perTable("analyzing", analyze),
  ].filter((phase) => phase.length > 0);
  const afterProof = [
    inOrder("creating row security policies", schema.rowSecurity),
    inOrder("adding comments", schema.comments),
    inOrder("assigning owners and privileges", schema.ownership),
    schema.refreshes.length === 0
      ? []
      : [add("refreshing materialized views", { kind: "long", statements: schema.refreshes })],
    [add(tryingAgain, { kind: "retry" })],
  ].filter((phase) => phase.length > 0);
  const [last] = inOrder("creating event triggers", [...schema.afterFollowing, ...schema.eventTriggers]);
  return { jobs: inOrderOfThePlan(jobs), preData, indexJobs, afterData, afterProof, last: last ?? null };
}

/** Numbers all statements: in this order they can be run by hand. */
function inOrderOfThePlan(jobs: readonly Job[]): Job[] {
  let order = 0;
  const number = <S extends object>(statements: readonly S[]) =>
    statements.map((statement) => ({ ...statement, order: ++order }));
  const numbered = (content: JobContent): JobContent => {
    if (content.kind === "retry") return content;
    if (content.kind === "long") return { ...content, statements: number(content.statements) };
    const groups = content.groups.map((group) => ({ ...group, statements: number(group.statements) }));
    return { ...content, groups };
  };
  return jobs.map((job) => ({ ...job, content: numbered(job.content) }));
}

/** A batch's tables have their indexes built by one activity; each index of a large table has its own. */
function planIndexJobs(
  tables: readonly TableStatements[],
  sizes: TaskSizes,
  loading: LoadingTasks,
  add: (phase: string, content: JobContent) => number,
): IndexJob[] {
  const jobs: IndexJob[] = [];
  const ofBatches = new Map<string, { after: readonly number[]; statements: LongStatement[] }>();
  for (const { relation, statements } of tables) {
    const after = loading.of(relation);
    if (sizes.isSmall(relation)) {
      const known = ofBatches.get(after.join()) ?? { after, statements: [] };
      known.statements.push(...statements);
      ofBatches.set(after.join(), known);
    } else {
      for (const statement of statements) {
        jobs.push({ job: add(buildingIndexes, { kind: "long", statements: [statement] }), after });
      }
    }
  }
  for (const { after, statements } of ofBatches.values()) {
    jobs.push({ job: add(buildingIndexes, { kind: "groups", groups: groupsOf(statements) }), after });
  }
  return jobs;
}

/** Which tables travel in a batch. */
class TaskSizes {
  readonly #small = new Set<string>();

  constructor(tasks: readonly CopyTask[]) {
    for (const { parts, batch } of tasks) {
      for (const part of parts) if (batch) this.#small.add(key({ schema: part.schema, name: part.table }));
    }
  }

  /** A table that travels in a batch. A partitioned table has no rows of its own, but what is done to it is done to all of its partitions. */
  isSmall(relation: { schema: string; name: string }): boolean {
    return this.#small.has(key(relation));
  }
}

function groupsOf(statements: readonly LongStatement[]): StatementGroup[] {
  return chunks(statements, statementsPerGroup).map((chunk) => ({
    id: chunk[0]?.id ?? "empty",
    statements: chunk.map(({ sql, object, kind }) => ({ sql, object, kind, roles: [] })),
  }));
}

/** Deals items out to at most `shares` lists, in turn. */
function spread<T>(items: readonly T[], shares: number): T[][] {
  const dealt: T[][] = Array.from({ length: Math.min(shares, items.length) }, () => []);
  for (const [index, item] of items.entries()) dealt[index % shares]?.push(item);
  return dealt;
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

function key({ schema, name }: { schema: string; name: string }): string {
  return `${schema}\0${name}`;
}
