/** What a person is told of statements that were not applied; the whole list is in MigrationStatements. */
import type { Failure } from "../model/outcome.js";
import { quoteIdentifier } from "../postgres/identifiers.js";
import type { StatementKind } from "../schema/schema-statement.js";
import type { StatementRow } from "../status/statements.js";

const nouns: Partial<Record<StatementKind, readonly [string, string]>> = {
  owner: ["ownership", "ownerships"],
  grant: ["privilege", "privileges"],
  defaultPrivileges: ["default privilege", "default privileges"],
  policy: ["row security policy", "row security policies"],
  userMapping: ["user mapping", "user mappings"],
  comment: ["comment", "comments"],
  publication: ["publication statement", "publication statements"],
  securityLabel: ["security label", "security labels"],
  eventTrigger: ["event trigger statement", "event trigger statements"],
  tuning: ["storage or planner parameter", "storage or planner parameters"],
  analyze: ["ANALYZE", "ANALYZEs"],
  databaseProperty: ["database property", "database properties"],
};

/** A sentence or two per role that the target lacks, per view that is not filled, and per kind of the rest that was left out. */
export function describeLeftOut(rows: readonly StatementRow[]): string[] {
  const leftOut = rows.filter(({ fate }) => fate === "leftOut");
  const views = leftOut.filter(({ statementKind }) => statementKind === "refresh");
  const others = leftOut.filter(({ statementKind }) => statementKind !== "refresh");
  return [
    ...grouped(
      others.filter(({ missingRole }) => missingRole !== undefined),
      ({ missingRole = "" }) => missingRole,
    )
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(
        ([role, [first, ...rest]]) =>
          `Role ${quoteIdentifier(role)} does not exist on the target: ${counted([first, ...rest])} not applied. ` +
          `Create it and run the statements that name it; the first is: ${excerpt(first.statement)}`,
      ),
    ...grouped(
      others.filter(({ missingRole }) => missingRole === undefined),
      ({ statementKind }) => statementKind,
    ).map(
      ([, [first, ...rest]]) =>
        `Not applied: ${counted([first, ...rest])}; the first is ${first.object}: ${first.message ?? "refused by the server"}. ` +
        `${first.remedy ?? ""} The statement is: ${excerpt(first.statement)}`,
    ),
    ...views.map(
      ({ object, message, statement }) =>
        `Not filled: ${object}: ${message}. When that is put right, run on the target: ${statement};`,
    ),
  ];
}

/** Why a database whose rows are all in place fails nevertheless; undefined when nothing was refused. */
export function describeRefused(rows: readonly StatementRow[]): Failure | undefined {
  const refused = rows.filter(({ fate }) => fate === "refused");
  const [first] = refused;
  if (first === undefined) return undefined;
  const code = first.code === undefined ? "" : ` (SQLSTATE ${first.code})`;
  return {
    code: "StatementsRefused",
    target: first.object,
    message:
      `${refused.length === 1 ? "One statement of the schema was" : `${refused.length} statements of the schema were`} refused by the target; ` +
      `the first is ${first.object}: ${first.message}${code}. All rows and all other objects are in place and verified. ` +
      `${first.remedy ?? ""} The whole list is at GET …/statements (?format=sql: as a script); ` +
      "when the causes are mended, POST …/statements/retry applies it without copying anything again.",
  };
}

/** What whoever is to trigger the cutover should know of it before: a sentence or two when something was refused. */
export function describeRefusedWhileFollowing(rows: readonly StatementRow[]): string[] {
  const refused = rows.filter(({ fate }) => fate === "refused");
  const [first] = refused;
  if (first === undefined) return [];
  return [
    `${refused.length === 1 ? "One statement" : `${refused.length} statements`} of the schema ` +
      `${refused.length === 1 ? "was" : "were"} refused by the target; the first is ${first.object}: ${first.message}. ` +
      `${first.remedy ?? ""} Rows are followed all the same, but after the cutover the migration ends as Failed until ` +
      "POST …/statements/retry has applied the whole list (GET …/statements).",
  ];
}

function grouped<Row>(rows: readonly Row[], keyOf: (row: Row) => string): [string, [Row, ...Row[]]][] {
  const groups = new Map<string, [Row, ...Row[]]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group === undefined) groups.set(keyOf(row), [row]);
    else group.push(row);
  }
  return [...groups];
}

function counted(rows: readonly StatementRow[]): string {
  const parts = grouped(rows, ({ statementKind }) => statementKind).map(([kind, { length }]) => {
    const [one, several] = nouns[kind as StatementKind] ?? ["statement", "statements"];
    return `${length} ${length === 1 ? one : several}`;
  });
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

function excerpt(sql: string): string {
  const line = sql.replaceAll(/\s+/g, " ");
  return line.length > 200 ? `${line.slice(0, 199)}…` : `${line};`;
}
