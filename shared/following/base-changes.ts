/**
 * What has become of the tables and sequences of the base copy on the source while the target followed it. Changes travel by name, and only those of the tables
 * that were published at the start: what came, went or changed its name is told while it can still be mended.
 */
import type { FollowedObject } from "../ledger/base-objects.js";
import type { ReplicationNames } from "../model/replication-names.js";
import { qualifiedName, quoteIdentifier } from "../postgres/identifiers.js";
import type { PublishableTable } from "../postgres/publication.js";
import { displayName } from "../schema/display-name.js";

/** The source now. */
export interface SourceNow {
  readonly relations: readonly FollowedObject[];
  readonly tables: readonly PublishableTable[];
  /** OIDs of the publications that are subscribed to, by name. */
  readonly publications: ReadonlyMap<string, string>;
}

export interface BaseChanges {
  /** Changes that are lost for good: why. */
  readonly lost: string | undefined;
  /** What makes a cutover wrong, as long as it is so. */
  readonly hindrances: readonly string[];
  /** What people should know at once, as long as it is so. */
  readonly troubles: readonly string[];
  /** What should be looked at, whatever becomes of it. */
  readonly warnings: readonly string[];
}

/** Objects of one kind that a text names; there may be thousands. */
const named = 20;

/** @param base undefined where the target cannot be asked, or its ledger has no list: then only what the source itself tells is told. */
export function baseChanges(
  base: readonly FollowedObject[] | undefined,
  now: SourceNow,
  names: ReplicationNames,
): BaseChanges {
  const known = base ?? [];
  const byOid = new Map(now.relations.map((relation) => [relation.oid, relation]));
  const byName = new Map(now.relations.map((relation) => [nameKey(relation), relation]));
  const inBase = new Set(known.map(({ oid }) => oid));
  const renamed = renamedObjects(known, byOid);
  const renamedTables = renamed.filter(({ kind }) => kind === "table");
  const gone = known.filter(({ kind, oid }) => kind !== "publication" && !byOid.has(oid));
  const replaced = gone.filter((object) => {
    const successor = byName.get(nameKey(object));
    return object.kind === "table" && successor !== undefined && !inBase.has(successor.oid);
  });
  return {
    lost: base === undefined ? undefined : lostPublication(known, now),
    hindrances: [
      ...(renamedTables.length === 0 ? [] : [describeRenamed(renamedTables)]),
      ...(replaced.length === 0 ? [] : [describeReplaced(replaced)]),
    ],
    troubles: refused(now.tables, names),
    warnings: [
      ...renamed.filter(({ kind }) => kind !== "table").map(describeOtherName),
      ...gone.filter((object) => !replaced.includes(object)).map(describeGone),
      ...(base === undefined ? [] : added(now, inBase)),
      ...unpublished(known, now),
    ],
  };
}

/** A table, partitioned table or sequence of the base that bears another name on the source than on the target. */
export interface RenamedObject {
  readonly kind: FollowedObject["kind"];
  readonly base: { readonly schema: string; readonly name: string };
  readonly target: { readonly schema: string; readonly name: string };
  readonly source: { readonly schema: string; readonly name: string };
}

/** Those whose name on the target, where they may have been renamed likewise, is not that on the source. */
export function renamedObjects(
  base: readonly FollowedObject[],
  source: ReadonlyMap<string, FollowedObject>,
): RenamedObject[] {
  return base.flatMap((object) => {
    const is = source.get(object.oid);
    const target = object.target ?? object;
    if (object.kind === "publication" || is === undefined || nameKey(is) === nameKey(target)) return [];
    return [{ kind: object.kind, base: object, target, source: is }];
  });
}

/**
 * A publication that was dropped, or dropped and made again, or a table that was taken out of it: what changed meanwhile is in no one's hands. From 18 on a
 * walsender goes on without such a publication as if nothing were the matter.
 */
function lostPublication(base: readonly FollowedObject[], { publications, tables }: SourceNow): string | undefined {
  const dropped = base.filter(({ kind, name, oid }) => kind === "publication" && publications.get(name) !== oid);
  if (dropped.length > 0) {
    const list = dropped.map(({ name }) => name).join(", ");
    return `Somebody has dropped publication ${list} of this migration from the source: changes are missing since then. Migrate the database again.`;
  }
  const now = new Map(tables.map((table) => [table.oid, table]));
  const out = base.filter(({ kind, oid, publication }) => {
    const table = now.get(oid);
    return kind === "table" && publication !== undefined && table !== undefined && table.publication !== publication;
  });
  if (out.length === 0) return undefined;
  return `Somebody has taken ${list(out)} out of the migration's publications on the source: changes are missing since then. Migrate the database again.`;
}

/** Tables whose updates and deletes the source refuses to its own users, because we publish them. */
function refused(tables: readonly PublishableTable[], { allChanges }: ReplicationNames): string[] {
  return tables
    .filter(({ publication, identified }) => publication === allChanges && !identified)
    .map((table) => {
      const name = qualifiedName(table.schema, table.name);
      const remedy = table.hasPlainKey
        ? `ALTER TABLE ${name} REPLICA IDENTITY DEFAULT;`
        : table.hasGenerated
          ? undefined
          : `ALTER TABLE ${name} REPLICA IDENTITY FULL;`;
      const how =
        remedy === undefined
          ? "Give it a primary key without generated columns again"
          : `Give it its key again, or run on the source: ${remedy}`;
      return (
        `The source refuses updates and deletes of table ${displayName(table.schema, table.name)}: they are published for this migration, and it has no replica ` +
        `identity any more. ${how}`
      );
    });
}

function describeRenamed(renamed: readonly RenamedObject[]): string {
  const some = renamed.slice(0, named);
  const list = some.map(
    ({ kind, source, target }) => `${kind} ${display(target)} of the target is ${display(source)} on the source now`,
  );
  const more = renamed.length > named ? ` and ${renamed.length - named} more` : "";
  return (
    `Renamed since the migration began: ${list.join("; ")}${more}. Changes reach the target by name. If no row of them has been written since, rename them on the ` +
    `target too, and run there: ${renameStatements(some).join(" ")} If rows have been written, and the name now is that of another table, migrate the database again.`
  );
}

/** No change of a row goes by the name of a sequence or a partitioned table. */
function describeOtherName(renamed: RenamedObject): string {
  const { kind, source, target } = renamed;
  return (
    `${capital(kind)} ${display(target)} was renamed on the source after the migration began, to ${display(source)}. To rename it on the target too, ` +
    `run there: ${renameStatements([renamed]).join(" ")}`
  );
}

/** In two steps where a name is to be had that another one gives up. */
export function renameStatements(renamed: readonly RenamedObject[]): string[] {
  const taken = new Set(renamed.map(({ target }) => nameKey(target)));
  if (!renamed.some(({ source }) => taken.has(nameKey(source)))) {
    return renamed.flatMap(({ kind, target, source }) => rename(kind, target, source));
  }
  const aside = (index: number, schema: string) => ({ schema, name: `pgmig_renamed_${index + 1}` });
  return [
    "BEGIN;",
    ...renamed.flatMap(({ kind, target }, index) => rename(kind, target, aside(index, target.schema))),
    ...renamed.flatMap(({ kind, target, source }, index) => rename(kind, aside(index, target.schema), source)),
    "COMMIT;",
  ];
}

interface Name {
  readonly schema: string;
  readonly name: string;
}

function rename(kind: FollowedObject["kind"], from: Name, to: Name): string[] {
  const alter = (name: Name) =>
    `ALTER ${kind === "sequence" ? "SEQUENCE" : "TABLE"} ${qualifiedName(name.schema, name.name)}`;
  return [
    ...(from.name === to.name ? [] : [`${alter(from)} RENAME TO ${quoteIdentifier(to.name)};`]),
    ...(from.schema === to.schema
      ? []
      : [`${alter({ schema: from.schema, name: to.name })} SET SCHEMA ${quoteIdentifier(to.schema)};`]),
  ];
}

function describeReplaced(replaced: readonly FollowedObject[]): string {
  return (
    `Replaced on the source since the migration began: another table, which is not replicated, bears the name of ${list(replaced)} now. ` +
    "The target has the rows of the former one. Migrate the database again, or copy the table yourself."
  );
}

function describeGone(object: FollowedObject): string {
  const { kind, schema, name } = object;
  const statement = `DROP ${kind === "sequence" ? "SEQUENCE" : "TABLE"} ${qualifiedName(schema, name)};`;
  return (
    `${capital(kind)} ${displayName(schema, name)} was dropped on the source after the migration began: the target keeps it. To drop it there too, ` +
    `run on the target after the cutover: ${statement}`
  );
}

function added({ relations, tables }: SourceNow, inBase: ReadonlySet<string>): string[] {
  const unlogged = new Set(tables.filter(({ logged }) => !logged).map(({ oid }) => oid));
  return relations
    .filter(({ oid, kind }) => kind !== "publication" && !inBase.has(oid) && !unlogged.has(oid))
    .map(
      ({ kind, schema, name }) =>
        `${capital(kind)} ${schema}.${name} was created on the source after the migration began: it is not migrated. Copy it yourself, or migrate again.`,
    );
}

/** Copied, and logged now, but not published: unlogged at the start, or made in the moment when the publications were. */
function unpublished(base: readonly FollowedObject[], { tables }: SourceNow): string[] {
  const logged = new Set(tables.filter((table) => table.logged).map(({ oid }) => oid));
  return base
    .filter(({ kind, oid, publication }) => kind === "table" && publication === undefined && logged.has(oid))
    .map(
      ({ schema, name }) =>
        `Table ${schema}.${name} arrives as it was when the copy began: it was not logged then, or was made at that moment, and its changes are not replicated.`,
    );
}

function list(objects: readonly FollowedObject[]): string {
  const names = objects.slice(0, named).map(display);
  return `${objects.length === 1 ? "table" : "tables"} ${names.join(", ")}${objects.length > named ? ` and ${objects.length - named} more` : ""}`;
}

function display({ schema, name }: Name): string {
  return displayName(schema, name);
}

function nameKey({ schema, name }: Name): string {
  return `${schema}\0${name}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
