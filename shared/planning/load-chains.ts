/** In which order tables are loaded whose foreign keys are there before their rows. Pure. */
import type { RelationName } from "../schema/schema-statement.js";

/** A table, and one whose rows have to be there first. */
export interface LoadDependency extends RelationName {
  readonly refersTo: RelationName;
}

/**
 * Tables that depend on each other, chain by chain: each table after those that it refers to. Of tables that refer to each other in a circle, the
 * first by name comes first: there is no better order.
 */
export function loadChains(dependencies: readonly LoadDependency[]): RelationName[][] {
  const names = new Map(
    dependencies
      .flatMap((one) => [one, one.refersTo])
      .map(({ schema, name }) => [key({ schema, name }), { schema, name }]),
  );
  const tables = [...names.keys()].sort();
  const needed = new Map(tables.map((table) => [table, new Set<string>()]));
  for (const { refersTo, ...table } of dependencies) needed.get(key(table))?.add(key(refersTo));
  return componentsOf(tables, needed).map((component) =>
    inOrder(component, needed).flatMap((table) => names.get(table) ?? []),
  );
}

/** What hangs together, whichever way the references go. */
function componentsOf(tables: readonly string[], needed: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const components = new Map(tables.map((table) => [table, [table]]));
  for (const [table, others] of needed) {
    for (const other of others) {
      const [one, another] = [components.get(table), components.get(other)];
      if (one === undefined || another === undefined || one === another) continue;
      const joined = [...one, ...another].sort();
      for (const member of joined) components.set(member, joined);
    }
  }
  return [...new Set(components.values())];
}

function inOrder(tables: readonly string[], needed: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const ordered: string[] = [];
  const seen = new Set<string>();
  const visit = (table: string) => {
    if (seen.has(table)) return;
    seen.add(table);
    for (const other of [...(needed.get(table) ?? [])].sort()) visit(other);
    ordered.push(table);
  };
  for (const table of tables) visit(table);
  return ordered;
}

/** No name contains a zero byte. */
function key({ schema, name }: RelationName): string {
  return `${schema}\0${name}`;
}
