/** Which copy tasks' parts are proven when: as soon as every row of their tables is in. Pure. */
import type { ProofTask } from "../model/steps.js";
import type { Part } from "./parts.js";
import type { CopyTask } from "./tasks.js";

/** The tasks that load each table. The leaves of a tree that is loaded through its root are loaded by the tasks of all of them. */
export class LoadingTasks {
  readonly #tasks = new Map<string, Set<number>>();
  readonly #groups = new Map<string, string>();

  constructor(tasks: readonly CopyTask[]) {
    for (const { task, parts } of tasks) {
      for (const part of parts) {
        const group = groupOf(part);
        this.#groups.set(nameKey({ schema: part.schema, name: part.table }), group);
        this.#tasks.set(group, (this.#tasks.get(group) ?? new Set()).add(task));
      }
    }
  }

  /** In ascending order; none for a table without rows of its own. */
  of(relation: { schema: string; name: string }): readonly number[] {
    const group = this.#groups.get(nameKey(relation));
    return group === undefined ? [] : [...(this.#tasks.get(group) ?? [])].sort((one, other) => one - other);
  }
}

/** One proof a copy task that loads tables: it may begin when all tasks that load any of them are done. */
export function planProofs(tasks: readonly CopyTask[]): ProofTask[] {
  const loading = new LoadingTasks(tasks);
  return tasks.flatMap(({ task, parts }) => {
    const tables = parts.filter(({ kind }) => kind === "table");
    if (tables.length === 0) return [];
    const after = new Set(tables.flatMap(({ schema, table }) => loading.of({ schema, name: table })));
    return [{ task, after: [...after].sort((one, other) => one - other) }];
  });
}

function groupOf({ schema, table, root, kind }: Part): string {
  return `${kind}\0${nameKey(root ?? { schema, name: table })}`;
}

function nameKey({ schema, name }: { schema: string; name: string }): string {
  return `${schema}\0${name}`;
}
