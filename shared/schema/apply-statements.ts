/** Carries out a group of a schema's statements on the target: exactly once, in one transaction with its ledger row. */
import pg from "pg";
import { ServiceError } from "../model/service-error.js";
import { serverWords, statementFailed } from "../postgres/statement-failed.js";
import type { StatementGroup } from "./schema-plan.js";
import type { SchemaStatement, StatementKind } from "./schema-statement.js";
import { keepSkipped, type SkippedStatement } from "./skipped-statements.js";

/**
 * What pg_dump's text takes for granted (its preamble), without the settings that an older target would not know.
 * Names in function bodies are not looked up yet: what they name may come later in the dump.
 */
const statementSettings = `
  set local search_path = '';
  set local check_function_bodies = off;
  set local xmloption = content;
  set local row_security = off;
  set local standard_conforming_strings = on;
  set local default_tablespace = '';
  select pg_catalog.set_config(name, 'heap', true) from pg_catalog.pg_settings where name = 'default_table_access_method';
  set local client_min_messages = warning`;

const insertLedgerRow = `
  insert into _pgmig.statement_ledger (id, object, instance)
  values ($1, $2, $3)
  on conflict (id) do nothing`;

const existingRoles = "select rolname from pg_catalog.pg_roles where rolname = any ($1::text[])";

/** What may be missing without a row being lost or wrong: reported as a warning instead of failing the migration. */
const dispensable: ReadonlySet<StatementKind> = new Set([
  "owner",
  "grant",
  "defaultPrivileges",
  "policy",
  "userMapping",
  "comment",
  "publication",
  "securityLabel",
  "eventTrigger",
]);

/** SQLSTATEs (PostgreSQL docs, appendix A) that mean "not here, or not by you" for a dispensable statement. */
const refusals: ReadonlySet<string> = new Set([
  "42501", // insufficient_privilege
  "0LP01", // invalid_grant_operation
  "42704", // undefined_object: its object was refused before
  "22023", // invalid_parameter_value: a security label's provider is not loaded
]);

/** WARNINGs by which the server says that a grant or revoke did nothing. */
const silentRefusals: ReadonlySet<string> = new Set(["01006", "01007"]);

/**
 * Applies a group once, however often and by however many it is asked for at the same time: a second runner waits for the
 * first one's ledger row and then does nothing.
 * `instance` is who did it, for the ledger.
 * Throws ServiceError SchemaStatementFailed or ExtensionNotAvailable, naming the object, with the server's message; then
 * nothing of the group has been applied.
 */
export async function applyStatements(target: pg.Client, group: StatementGroup, instance: string): Promise<void> {
  try {
    await inTransaction(target, group, instance, applyTogether);
  } catch (error) {
    if (!(error instanceof NotTogether)) throw error;
    await inTransaction(target, group, instance, applyOneByOne);
  }
}

/** Applies statements and answers those that it had to skip. */
type Apply = (target: pg.Client, statements: readonly SchemaStatement[]) => Promise<SkippedStatement[]>;

async function inTransaction(target: pg.Client, group: StatementGroup, instance: string, apply: Apply): Promise<void> {
  await target.query(`begin; ${statementSettings}`);
  try {
    const first = group.statements[0]?.object ?? "nothing";
    const { rowCount } = await target.query(insertLedgerRow, [group.id, first, instance]);
    if (rowCount === 0) {
      await target.query("rollback");
      return;
    }
    const missing = await missingRoles(target, group.statements);
    const skipped: SkippedStatement[] = [];
    const applicable = group.statements.filter((statement) => {
      const missingRole = statement.roles.find((role) => missing.has(role));
      if (missingRole === undefined || !dispensable.has(statement.kind)) return true;
      skipped.push({ statement, missingRole });
      return false;
    });
    skipped.push(...(await apply(target, applicable)));
    await keepSkipped(target, skipped);
    await target.query("commit");
  } catch (error) {
    await target.query("rollback").catch(() => {
      // The session is gone, and its transaction with it.
    });
    throw error;
  }
}

/** Something in the group was refused: statement by statement it will turn out what. */
class NotTogether extends Error {}

/**
 * All in one message: one round trip instead of hundreds, when nothing is wrong with any of them, as is the rule.
 * Throws NotTogether otherwise.
 */
async function applyTogether(target: pg.Client, statements: readonly SchemaStatement[]): Promise<SkippedStatement[]> {
  if (statements.length === 0) return [];
  const refusal = await silentRefusalOf(target, async () => {
    await target.query(statements.map(({ sql }) => sql).join(";\n")).catch((error: unknown) => {
      throw error instanceof pg.DatabaseError && !isServerTrouble(error.code) ? new NotTogether() : error;
    });
  });
  if (refusal !== undefined) throw new NotTogether();
  return [];
}

async function applyOneByOne(target: pg.Client, statements: readonly SchemaStatement[]): Promise<SkippedStatement[]> {
  const skipped: SkippedStatement[] = [];
  for (const statement of statements) {
    if (dispensable.has(statement.kind)) {
      const message = await tryStatement(target, statement);
      if (message !== undefined) skipped.push({ statement, message });
    } else {
      await target.query(statement.sql).catch((error: unknown) => {
        throw failureOf(statement, error);
      });
    }
  }
  return skipped;
}

async function missingRoles(target: pg.Client, statements: readonly SchemaStatement[]): Promise<ReadonlySet<string>> {
  const named = new Set(statements.flatMap((statement) => statement.roles));
  if (named.size === 0) return named;
  const { rows } = await target.query<{ rolname: string }>(existingRoles, [[...named]]);
  for (const { rolname } of rows) named.delete(rolname);
  return named;
}

/** Runs a dispensable statement. Answers the server's refusal, or nothing when it was applied. */
async function tryStatement(target: pg.Client, statement: SchemaStatement): Promise<string | undefined> {
  try {
    // One message, one round trip. After an error the server skips what follows it in the message.
    return await silentRefusalOf(target, async () => {
      await target.query(`savepoint statement;\n${statement.sql};\nrelease savepoint statement`);
    });
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || !refusals.has(error.code ?? "")) throw failureOf(statement, error);
    await target.query("rollback to savepoint statement; release savepoint statement");
    return error.message;
  }
}

/** What the server said when it let a grant or revoke pass without effect. */
async function silentRefusalOf(target: pg.Client, work: () => Promise<void>): Promise<string | undefined> {
  let refusal: string | undefined;
  const onNotice = (notice: { code?: string | undefined; message?: string | undefined }) => {
    if (silentRefusals.has(notice.code ?? "")) refusal = notice.message;
  };
  target.on("notice", onNotice);
  try {
    await work();
    return refusal;
  } finally {
    target.off("notice", onNotice);
  }
}

/** An error about one statement of the schema, as the user meets it. */
function failureOf({ object, kind }: SchemaStatement, error: unknown): ServiceError {
  if (kind !== "extension" || !(error instanceof pg.DatabaseError) || isServerTrouble(error.code)) {
    return statementFailed(object, error);
  }
  return new ServiceError(
    "ExtensionNotAvailable",
    `${object}: ${serverWords(error)}. Make it available on the target: on Azure add it to the server parameter ` +
      "azure.extensions (and to shared_preload_libraries if it needs that), elsewhere install its package. " +
      "Or drop it on the source if nothing uses it. Then start the migration again.",
    { target: object, cause: error },
  );
}

/** Connection, rollback, resource and operator errors: nothing that the extension is to blame for. */
function isServerTrouble(state: string | undefined): boolean {
  return ["08", "40", "53", "57"].some((stateClass) => state?.startsWith(stateClass) === true);
}
