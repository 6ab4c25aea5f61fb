/** GET …/migrations/{name}/statements: what the target did not take at once, as a list and as a script. */
import { RequestError } from "../model/request-error.js";
import { quoteIdentifier } from "../postgres/identifiers.js";
import type { MigrationRow } from "../status/migrations.js";
import { listStatements, type StatementFate, type StatementRow, statementFates } from "../status/statements.js";

export interface StatementFilter {
  readonly database?: string | undefined;
  readonly fate?: StatementFate | undefined;
  /** How many statements to leave out at the start, from a nextLink. */
  readonly skip: number;
}

/** Statements in one answer. */
const statementsPerPage = 1_000;

/** The query's database, fate and skip. Throws RequestError 400. */
export function parseStatementFilter(query: URLSearchParams): StatementFilter {
  const fate = query.get("fate") ?? undefined;
  if (fate !== undefined && !isFate(fate)) {
    const message = `fate "${fate}" is not known: use one of ${statementFates.join(", ")}, or leave it out.`;
    throw new RequestError(400, "InvalidParameterValue", message, { target: "fate" });
  }
  const skip = Number(query.get("skip") ?? 0);
  if (!Number.isSafeInteger(skip) || skip < 0) {
    const message = `skip "${query.get("skip")}" must be a whole number: take it from a nextLink, or leave it out.`;
    throw new RequestError(400, "InvalidParameterValue", message, { target: "skip" });
  }
  return { database: query.get("database") ?? undefined, fate, skip };
}

/** Whether the statements are asked for as a script. Throws RequestError 400 for a format that there is not. */
export function wantsScript(query: URLSearchParams, accept: string | null): boolean {
  const format = query.get("format");
  if (format === null) return /\bapplication\/sql\b/i.test(accept ?? "");
  if (format !== "sql" && format !== "json") {
    const message = `format "${format}" is not known: use sql or json, or leave it out.`;
    throw new RequestError(400, "InvalidParameterValue", message, { target: "format" });
  }
  return format === "sql";
}

/** One page of the statements that match, in the order in which they are to be run. */
export async function listMigrationStatements(migration: MigrationRow, filter: StatementFilter) {
  const all = await matching(migration, filter);
  const { skip } = filter;
  const statements = all.slice(skip, skip + statementsPerPage).map((row, index) => ({
    order: skip + index + 1,
    database: row.database === "" ? undefined : row.database,
    object: row.object,
    kind: row.kind,
    fate: row.fate,
    code: row.code,
    message: row.message,
    statement: row.statement,
    remedy: row.fate === "applied" ? undefined : row.remedy,
  }));
  return { statements, next: all.length > skip + statementsPerPage ? skip + statementsPerPage : undefined };
}

/** What pg_dump's own scripts begin with, as far as it means something to these statements. */
const preamble = `set search_path = '';
set check_function_bodies = off;
set xmloption = content;
set row_security = off;
set standard_conforming_strings = on;
`;

/** What is left to apply as a script for psql, each statement under what the server said to it. */
export async function statementsScript(migration: MigrationRow, filter: StatementFilter): Promise<string> {
  const left = (await matching(migration, filter)).filter(({ fate }) => fate !== "applied");
  const { targetHost, targetPort, name } = migration;
  let script = comment(
    `${left.length} statements of migration ${name} that are not applied on ${targetHost}:${targetPort}. Run with psql there.`,
  );
  let database: string | undefined;
  for (const [index, row] of left.entries()) {
    if (row.database !== database) {
      script += row.database === "" ? `\n${preamble}` : `\n\\connect ${quoteIdentifier(row.database)}\n\n${preamble}`;
      database = row.database;
    }
    const code = row.code === undefined ? "" : ` (SQLSTATE ${row.code})`;
    script += `\n${comment(`${index + 1}. ${row.object}: ${row.fate}`)}`;
    if (row.message !== undefined) script += comment(`The server said: ${row.message}${code}`);
    if (row.remedy !== undefined) script += comment(row.remedy);
    script += `${row.statement};\n`;
  }
  return script;
}

function comment(text: string): string {
  return `-- ${text.replaceAll(/\s*\n\s*/g, " ")}\n`;
}

/** @throws RequestError 400 for a database that is not the migration's */
async function matching(
  { key, databases }: MigrationRow,
  { database, fate }: StatementFilter,
): Promise<StatementRow[]> {
  if (database !== undefined && !databases.includes(database)) {
    const message = `database "${database}" is not one of this migration's: use one of ${databases.join(", ")}, or leave it out.`;
    throw new RequestError(400, "InvalidParameterValue", message, { target: "database" });
  }
  return (await listStatements(key, database)).filter((row) => fate === undefined || row.fate === fate);
}

function isFate(text: string): text is StatementFate {
  return statementFates.some((fate) => fate === text);
}
