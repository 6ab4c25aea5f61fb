/** Carries out a group of a schema's statements on the target: exactly once, in one transaction with its ledger row. */
import type pg from "pg";
import { recordStatement } from "../ledger/statement-ledger.js";
import type { SessionSettings } from "../postgres/session-settings.js";
import { statementFailed } from "../postgres/statement-failed.js";
import { actAsOwner } from "./act-as-owner.js";
import { explainUnqualifiedName } from "./explain-unqualified-name.js";
import type { StatementGroup } from "./schema-plan.js";
import type { SchemaStatement } from "./schema-statement.js";
import {
  isRefusal,
  leftOutForRole,
  leftOutSilently,
  needsItsRole,
  readsRows,
  type UnappliedStatement,
  unapplied,
} from "./unapplied-statement.js";

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

/**
 * The session for statements has PostgreSQL's own search_path to begin with, as a restore with psql has: scripts of extensions add their schema to
 * it (pg_settings.reset_val), and call what is in public. The statements themselves run with the one above.
 */
export const statementSession: SessionSettings = { search_path: '"$user", public' };

const existingRoles = "select rolname from pg_catalog.pg_roles where rolname = any ($1::text[])";

/** WARNINGs by which the server says that a grant or revoke did nothing. */
const silentRefusals: ReadonlySet<string> = new Set(["01006", "01007"]);

/** Takes note of statements that were not applied, before the transaction commits that goes on without them. */
export type KeepUnapplied = (statements: readonly UnappliedStatement[]) => Promise<void>;

/**
 * Applies a group once, however often and by however many it is asked for at the same time: a second runner waits for the
 * first one's ledger row and then does nothing. A statement that is refused does not keep the others from being applied.
 * @param instance who did it, for the ledger
 * @param keep is told of what was not applied; may be told of the same again when an activity dies between it and the commit
 * @throws ServiceError SchemaStatementFailed for what no statement is to blame for; then nothing of the group has been applied
 */
export async function applyStatements(
  target: pg.Client,
  group: StatementGroup,
  instance: string,
  keep: KeepUnapplied,
): Promise<void> {
  try {
    await inTransaction(target, group, { instance, keep, apply: applyTogether });
  } catch (error) {
    if (!(error instanceof NotTogether)) throw error;
    await inTransaction(target, group, { instance, keep, apply: applyOneByOne });
  }
}

/**
 * Tries one statement again, in a transaction of its own.
 * @returns why it is not applied, or undefined when it is
 * @throws as applyStatements()
 */
export async function tryAgain(target: pg.Client, statement: SchemaStatement): Promise<UnappliedStatement | undefined> {
  await target.query(`begin; ${statementSettings}`);
  try {
    const left = await tryStatement(target, statement);
    await target.query("commit");
    return left;
  } catch (error) {
    await target.query("rollback").catch(() => {
      // The session is gone, and its transaction with it.
    });
    throw error;
  }
}

interface Application {
  readonly instance: string;
  readonly keep: KeepUnapplied;
  /** Applies statements and answers those that were not. */
  readonly apply: (target: pg.Client, statements: readonly SchemaStatement[]) => Promise<UnappliedStatement[]>;
}

async function inTransaction(
  target: pg.Client,
  group: StatementGroup,
  { instance, keep, apply }: Application,
): Promise<void> {
  await target.query(`begin; ${statementSettings}`);
  try {
    const first = group.statements[0]?.object ?? "nothing";
    if (!(await recordStatement(target, { id: group.id, object: first, instance }))) {
      await target.query("rollback");
      return;
    }
    const acting = await actAsOwner(target, group.statements);
    const { applicable, left } = await withTheirRoles(target, acting.statements);
    if (acting.lend !== "") await target.query(acting.lend);
    left.push(...(await apply(target, applicable)));
    if (acting.takeBack !== "") await target.query(acting.takeBack);
    if (left.length > 0) await keep(left);
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
async function applyTogether(target: pg.Client, statements: readonly SchemaStatement[]): Promise<UnappliedStatement[]> {
  if (statements.length === 0) return [];
  const refusal = await silentRefusalOf(target, async () => {
    await target.query(statements.map(({ sql }) => sql).join(";\n")).catch((error: unknown) => {
      throw isRefusal(error) ? new NotTogether() : error;
    });
  });
  if (refusal !== undefined) throw new NotTogether();
  return [];
}

async function applyOneByOne(target: pg.Client, statements: readonly SchemaStatement[]): Promise<UnappliedStatement[]> {
  const left: UnappliedStatement[] = [];
  for (const statement of statements) {
    const one = await tryStatement(target, statement);
    if (one !== undefined) left.push(one);
  }
  return left;
}

/**
 * Applies statements within the caller's transaction, which records them: as the owners of what they are about where need be, all in one message if
 * none is refused.
 * @returns those that were not applied
 * @throws ServiceError SchemaStatementFailed for what no statement is to blame for
 */
export async function applyWithin(
  target: pg.Client,
  statements: readonly SchemaStatement[],
): Promise<UnappliedStatement[]> {
  const acting = await actAsOwner(target, statements);
  const { applicable, left } = await withTheirRoles(target, acting.statements);
  await target.query("savepoint statements");
  try {
    left.push(...(await applyTogether(target, applicable)));
  } catch (error) {
    if (!(error instanceof NotTogether)) throw error;
    await target.query("rollback to savepoint statements");
    left.push(...(await applyOneByOne(target, applicable)));
  }
  await target.query("release savepoint statements");
  return left;
}

/** Applies statements that nothing is recorded of, each as the role that may, within the caller's transaction. @returns those that were not applied. */
export async function applyUnrecorded(
  target: pg.Client,
  statements: readonly SchemaStatement[],
): Promise<UnappliedStatement[]> {
  const acting = await actAsOwner(target, statements);
  const { applicable, left } = await withTheirRoles(target, acting.statements);
  return [...left, ...(await applyOneByOne(target, applicable))];
}

/** Tells statements apart that name a role which the target lacks: those that are nothing without it are not even tried. */
async function withTheirRoles(
  target: pg.Client,
  statements: readonly SchemaStatement[],
): Promise<{ applicable: SchemaStatement[]; left: UnappliedStatement[] }> {
  const missing = await missingRoles(target, statements);
  const left: UnappliedStatement[] = [];
  const applicable = statements.filter((statement) => {
    const missingRole = statement.roles.find((role) => missing.has(role));
    if (missingRole === undefined || !needsItsRole(statement.kind)) return true;
    left.push(leftOutForRole(statement, missingRole));
    return false;
  });
  return { applicable, left };
}

async function missingRoles(target: pg.Client, statements: readonly SchemaStatement[]): Promise<ReadonlySet<string>> {
  const named = new Set(statements.flatMap((statement) => statement.roles));
  if (named.size === 0) return named;
  const { rows } = await target.query<{ rolname: string }>(existingRoles, [[...named]]);
  for (const { rolname } of rows) named.delete(rolname);
  return named;
}

/** Runs a statement within the transaction. Answers why it is not applied, or nothing when it is. */
async function tryStatement(target: pg.Client, statement: SchemaStatement): Promise<UnappliedStatement | undefined> {
  try {
    // One message, one round trip. After an error the server skips what follows it in the message.
    const silent = await silentRefusalOf(target, async () => {
      await target.query(`savepoint statement;\n${statement.sql};\nrelease savepoint statement`);
    });
    return silent === undefined ? undefined : leftOutSilently(statement, silent);
  } catch (error) {
    if (!isRefusal(error)) throw statementFailed(statement.object, error, readsRows(statement.kind));
    await target.query("rollback to savepoint statement; release savepoint statement");
    return unapplied(statement, error, await explainUnqualifiedName(target, error));
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
