/** Running statements that hold a password: the server's log must not get them. */
import type { ClientBase } from "pg";

/**
 * The statement is not in the block's own text, and an error that is raised anew has it neither in STATEMENT nor in CONTEXT.
 * The password would else be in the server's log whenever the statement fails.
 */
const runFromSetting = `
  do $block$
  begin
    execute pg_catalog.current_setting('pgmig.statement');
  exception
    when query_canceled or others then
      raise exception using message = sqlerrm, errcode = sqlstate;
  end
  $block$
`;

/** Runs a statement, or several, out of the server's log; keepOutOfServerLog() comes before. Within the caller's transaction, if there is one. */
export async function runUnlogged(client: ClientBase, statement: string): Promise<void> {
  await client.query("select pg_catalog.set_config('pgmig.statement', $1, false)", [statement]);
  await client.query(runFromSetting);
}

/**
 * To be called outside of a transaction. Where we may not change these settings, and every statement is logged with its parameters, the server's
 * administrator has decided so.
 */
export async function keepOutOfServerLog(client: ClientBase): Promise<void> {
  for (const setting of [
    "log_statement = 'none'",
    "log_min_duration_statement = -1",
    "log_min_error_statement = 'panic'",
    "log_error_verbosity = 'terse'",
    "log_duration = off",
    "pg_stat_statements.track_utility = off",
  ]) {
    await client.query(`set ${setting}`).catch(() => {});
  }
}
