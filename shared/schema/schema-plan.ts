/**
 * In what order a dump's statements are applied, and which of them may take longer than an activity. Pure: the same dump
 * and tables give the same plan, with the same ids, on every run.
 *
 *   preData        types, functions, tables, views: what the rows need
 *   (the rows)
 *   tableIndexes   per table, as soon as its rows are in: indexes, primary keys, unique and exclusion constraints
 *   rest           triggers, rules, row security, partitioned and materialized views' indexes …, in the dump's order. Foreign
 *                  keys between ordinary tables too, not valid yet: that locks both tables, but for an instant
 *   foreignKeys    per referencing table: what reads its rows. Validating locks nothing that another validation needs, so
 *                  any number run side by side; adding a foreign key and validating it at once would lock both tables for
 *                  as long as it takes, and two such on the same tables could wait for each other
 *   (ANALYZE, the proof, the sequences' positions)
 *   rowSecurity    policies, and the statements that switch them on: from there on a table may hide its rows from us
 *   comments
 *   ownership      owners, then privileges, then default privileges of what is in schemas; then the schemas' own, for who owns a
 *                  schema decides who may look into it. Until here everything is ours, so that nothing before fails for a
 *                  right that we would have lost
 *   refreshes      materialized views, by their real owners and under their row security, as on the source
 *   (an online migration follows its source here; the ledger is dropped)
 *   afterFollowing triggers that would fire for changes that are applied, and the user's publications: quiet until then
 *   eventTriggers  last: they fire on DDL, and all DDL above is ours
 */
import { qualifiedName, quoteIdentifier } from "../postgres/identifiers.js";
import { displayName } from "./display-name.js";
import type { RelationName, SchemaStatement, StatementKind } from "./schema-statement.js";

/** Statements that are applied in one transaction, exactly once (its id is its ledger key). */
export interface StatementGroup {
  readonly id: string;
  readonly statements: readonly SchemaStatement[];
}

/** A statement that may outlive the function that starts it (its id is its ledger key). */
export interface LongStatement {
  readonly id: string;
  readonly sql: string;
  /** Readable, for messages. */
  readonly object: string;
  readonly kind: StatementKind;
  /** Its place in the plan: see planJobs(). */
  readonly order?: number;
  /** For a refresh: its view. */
  readonly view?: RelationName;
}

/** What one table waits for, in order. */
export interface TableStatements {
  readonly relation: RelationName;
  readonly statements: readonly LongStatement[];
}

export interface SchemaPlan {
  readonly preData: readonly StatementGroup[];
  readonly tableIndexes: readonly TableStatements[];
  readonly rest: readonly StatementGroup[];
  readonly foreignKeys: readonly TableStatements[];
  readonly rowSecurity: readonly StatementGroup[];
  readonly comments: readonly StatementGroup[];
  readonly ownership: readonly StatementGroup[];
  readonly refreshes: readonly LongStatement[];
  readonly afterFollowing: readonly StatementGroup[];
  readonly eventTriggers: readonly StatementGroup[];
}

export interface PlanInput {
  /** Whether the database follows its source after the copy. */
  readonly following?: boolean;
  readonly preData: readonly SchemaStatement[];
  readonly postData: readonly SchemaStatement[];
  /** The tables whose rows are copied, with their size: the largest table's indexes come first. */
  readonly tables: readonly (RelationName & { readonly bytes: number })[];
  /** Materialized views to fill, each after those that it reads. */
  readonly materializedViews: readonly RelationName[];
}

/**
 * A transaction keeps its locks to the end, and the server's table of locks is finite (max_locks_per_transaction times
 * max_connections, 6,400 by default); a table with its toast, indexes and sequences takes about six.
 */
const statementsPerTransaction = 200;

export function planSchema(input: PlanInput): SchemaPlan {
  const { tables, materializedViews, following = false } = input;
  const preData = following ? input.preData.map(keptQuiet) : input.preData;
  const postData = following ? input.postData.map(keptQuiet) : input.postData;
  const all = [...preData, ...postData];
  const bytes = new Map(tables.map((table) => [relationKey(table), table.bytes]));
  const phases = {
    preData: preData.filter(keepsItsPlace),
    tableIndexes: postData.filter((statement) => buildsIndexOf(statement, bytes)),
    rest: [
      ...preData.filter((statement) => canBeValidatedLater(statement, bytes)),
      ...postData.filter((statement) => canBeValidatedLater(statement, bytes) || keepsItsPlace(statement)),
    ]
      .filter((statement) => !buildsIndexOf(statement, bytes))
      .map((statement) => (canBeValidatedLater(statement, bytes) ? notValidYet(statement) : statement)),
    foreignKeys: all
      .filter((statement) => statement.kind === "foreignKey" || statement.kind === "check")
      .map((statement) => (canBeValidatedLater(statement, bytes) ? validation(statement) : statement)),
    comments: all.filter((statement) => statement.kind === "comment" && !isOnEventTrigger(statement)),
    rowSecurity: all.filter(isRowSecurity),
    eventTriggers: all.filter(isOnEventTrigger),
  };
  const perTable = (phase: string, statements: readonly SchemaStatement[]) =>
    largestFirst(groupByTable(phase, statements), bytes);
  return {
    preData: inTransactions("preData", phases.preData),
    tableIndexes: perTable("tableIndexes", phases.tableIndexes),
    rest: inTransactions("rest", phases.rest),
    foreignKeys: perTable("foreignKeys", phases.foreignKeys),
    rowSecurity: inTransactions("rowSecurity", phases.rowSecurity),
    comments: inTransactions("comments", phases.comments),
    ownership: planOwnership(all),
    refreshes: materializedViews.map(refresh),
    afterFollowing: inTransactions("afterFollowing", following ? woken(all) : []),
    eventTriggers: inTransactions("eventTriggers", phases.eventTriggers),
  };
}

/**
 * A sequence that is tied to a column follows the column's table: to give it away by itself is an error, or takes a right that we have given away with the
 * table.
 */
function planOwnership(all: readonly SchemaStatement[]): StatementGroup[] {
  const owners = all.filter((statement) => statement.kind === "owner" && !isOnEventTrigger(statement));
  const tied = new Set(all.flatMap(({ ties }) => ties?.id ?? []));
  const ownerOf = new Map(owners.map(({ subject, newOwner }) => [subject?.id, newOwner]));
  const byOwner = (statement: SchemaStatement): SchemaStatement => {
    const owner = statement.subject === undefined ? undefined : ownerOf.get(statement.subject.id);
    return owner === undefined || statement.grantor !== undefined ? statement : { ...statement, owner };
  };
  const statements = [
    ...owners.filter(({ subject }) => subject === undefined || !tied.has(subject.id)),
    ...all.filter(({ kind, objectType }) => kind === "grant" && objectType !== "EVENT_TRIGGER").map(byOwner),
    ...all.filter(({ kind }) => kind === "defaultPrivileges"),
  ];
  const ofSchema = ({ objectType }: SchemaStatement) => objectType === "SCHEMA";
  return [
    ...inTransactions(
      "ownership",
      statements.filter((statement) => !ofSchema(statement)),
    ),
    ...inTransactions("schemas", statements.filter(ofSchema)),
  ];
}

/** In one transaction with what creates it: nothing is applied before. */
function keptQuiet(statement: SchemaStatement): SchemaStatement {
  const { quiet, kind, sql } = statement;
  if (quiet === undefined) return statement;
  return { ...statement, sql: kind === "publication" ? `${sql};\n${quiet.until}` : quiet.until };
}

/** What was quiet, as it is on the source; by the owner that it has by then. */
function woken(all: readonly SchemaStatement[]): SchemaStatement[] {
  const owners = all.filter((statement) => statement.kind === "owner");
  return all.flatMap((statement) => {
    const { quiet, kind, relation, object } = statement;
    if (quiet === undefined) return [];
    const ownership = owners.find((owner) =>
      kind === "publication"
        ? owner.object === `owner of ${object}`
        : owner.relation !== undefined &&
          relation !== undefined &&
          relationKey(owner.relation) === relationKey(relation),
    );
    const owner = ownership?.newOwner;
    return [{ ...statement, sql: quiet.awake, ...(owner === undefined ? {} : { owner }) }];
  });
}

/** Before them a table's rows can be counted, and its foreign keys be validated, by an owner that row security binds (FORCE). */
function isRowSecurity({ kind, hidesRows }: SchemaStatement): boolean {
  return kind === "policy" || hidesRows === true;
}

function isOnEventTrigger(statement: SchemaStatement): boolean {
  return statement.objectType === "EVENT_TRIGGER";
}

/** Everything that has no phase of its own: it stays in its section's order. */
function keepsItsPlace(statement: SchemaStatement): boolean {
  switch (statement.kind) {
    case "foreignKey":
    case "check":
    case "comment":
    case "owner":
    case "grant":
    case "defaultPrivileges":
      return false;
    default:
      return !isOnEventTrigger(statement) && !isRowSecurity(statement);
  }
}

/**
 * An index of a table with rows. Those of partitioned tables (on only the parent) and of materialized views (which are
 * empty until they are refreshed) are made in an instant, and have their place in the order of the rest.
 */
function buildsIndexOf(statement: SchemaStatement, tables: ReadonlyMap<string, number>): boolean {
  return (
    (statement.kind === "index" || statement.kind === "constraint") &&
    statement.relation !== undefined &&
    tables.has(relationKey(statement.relation))
  );
}

type ForeignKeyStatement = SchemaStatement & Required<Pick<SchemaStatement, "relation" | "foreignKey">>;

/** Partitioned tables' foreign keys cannot be added without validation before version 18; they are not among the tables with rows. */
function canBeValidatedLater(
  statement: SchemaStatement,
  tables: ReadonlyMap<string, number>,
): statement is ForeignKeyStatement {
  return (
    statement.kind === "foreignKey" &&
    statement.relation !== undefined &&
    statement.foreignKey !== undefined &&
    tables.has(relationKey(statement.relation)) &&
    tables.has(relationKey(statement.foreignKey.references))
  );
}

function notValidYet(statement: ForeignKeyStatement): SchemaStatement {
  return { ...statement, sql: `${statement.sql} NOT VALID` };
}

function validation(statement: ForeignKeyStatement): SchemaStatement {
  const { relation, foreignKey } = statement;
  const table = qualifiedName(relation.schema, relation.name);
  return { ...statement, sql: `alter table ${table} validate constraint ${quoteIdentifier(foreignKey.name)}` };
}

function inTransactions(phase: string, statements: readonly SchemaStatement[]): StatementGroup[] {
  const groups: StatementGroup[] = [];
  for (let start = 0; start < statements.length; start += statementsPerTransaction) {
    const id = `${phase}/${groups.length + 1}`;
    groups.push({ id, statements: statements.slice(start, start + statementsPerTransaction) });
  }
  return groups;
}

function groupByTable(phase: string, statements: readonly SchemaStatement[]): TableStatements[] {
  const groups = new Map<string, { relation: RelationName; statements: LongStatement[] }>();
  statements.forEach(({ sql, object, kind, relation }, index) => {
    // pg_dump qualifies every table; without a name the statement would still have to run, on its own.
    const owner = relation ?? { schema: "", name: `statement ${index + 1}` };
    const group = groups.get(relationKey(owner)) ?? { relation: owner, statements: [] };
    groups.set(relationKey(owner), group);
    group.statements.push({ id: `${phase}/${index + 1}`, sql, object, kind });
  });
  return [...groups.values()];
}

function largestFirst(groups: TableStatements[], bytes: ReadonlyMap<string, number>): TableStatements[] {
  const size = (group: TableStatements) => bytes.get(relationKey(group.relation)) ?? 0;
  return groups.sort((one, other) => size(other) - size(one));
}

/** The statement that fills a materialized view. */
export function refreshSql({ schema, name }: RelationName): string {
  return `refresh materialized view ${qualifiedName(schema, name)}`;
}

function refresh({ schema, name }: RelationName, index: number): LongStatement {
  return {
    id: `refreshes/${index + 1}`,
    sql: refreshSql({ schema, name }),
    object: `materialized view ${displayName(schema, name)}`,
    kind: "refresh",
    view: { schema, name },
  };
}

/** No name contains a zero byte. */
function relationKey({ schema, name }: RelationName): string {
  return `${schema}\0${name}`;
}
