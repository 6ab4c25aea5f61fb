/** Filling a materialized view of the target: after the base copy, and again at the cutover. */

import {
  type DetachedOutcome,
  type DetachedRun,
  type DetachedStatement,
  runDetached,
} from "../ledger/detached-statement.js";
import { ServiceError } from "../model/service-error.js";
import type { DatabaseStep } from "../model/steps.js";
import { type ConnectOptions, withConnection } from "../postgres/connect.js";
import { roleToBe } from "../postgres/role-to-be.js";
import { isTransient } from "../postgres/transient.js";
import type { RelationName } from "../schema/schema-statement.js";
import { addWarnings } from "./warnings.js";

/**
 * A view that cannot be filled is a warning: its rows are derived, and the server's own rules may have changed (from 17 on, a refresh runs with a safe
 * search_path: what its functions do not qualify is not found).
 * @returns as runDetached(); "done" when it could not be filled
 */
export async function refreshView(
  { key, database }: DatabaseStep,
  connection: ConnectOptions,
  statement: DetachedStatement & { readonly view?: RelationName },
  options: DetachedRun,
): Promise<DetachedOutcome> {
  try {
    const { view } = statement;
    const owner = view && (await withConnection(connection, (target) => roleToBe(target, view)));
    return await runDetached(connection, owner === undefined ? statement : { ...statement, as: owner }, options);
  } catch (error) {
    if (isTransient(error) || !(error instanceof ServiceError)) throw error;
    await addWarnings(key, database, [
      `Not filled: ${error.message} When that is put right, run on the target: ${statement.sql};`,
    ]);
    return "done";
  }
}
