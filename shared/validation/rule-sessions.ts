/** The pair of sessions that rules check with: they can change nothing, wait for no lock, and outlive no rule. */
import type pg from "pg";
import { endSession } from "../postgres/connect.js";
import { quoteLiteral } from "../postgres/identifiers.js";
import { expectedSettings, type SessionSettings } from "../postgres/session-settings.js";
import { serverVersion } from "../postgres/source-tables.js";

export interface RuleSessions {
  readonly source: pg.Client;
  readonly target: pg.Client;
  readonly sourceVersion: number;
  readonly targetVersion: number;
  /** Of one rule. */
  readonly limitSeconds: number;
}

/** A rule that meets a lock tells so, and nobody queues behind it. */
const lockLimitSeconds = 5;

/**
 * A statement that goes on in the server after its rule was given up ends there soon after, and so does a transaction that nobody ends.
 */
function limitsOf(limitSeconds: number): SessionSettings {
  const milliseconds = Math.ceil(limitSeconds * 1_000);
  return {
    default_transaction_read_only: "on",
    lock_timeout: `${lockLimitSeconds * 1_000}`,
    statement_timeout: `${milliseconds + 1_000}`,
    idle_in_transaction_session_timeout: `${2 * milliseconds + 1_000}`,
  };
}

/** A rule looks at what the server gives to anybody (reset_val), and reads with our settings all the same: they are its transaction's alone. */
export const ruleSession = { settings: "server's own" } as const;

/** Begins a rule's transaction. */
export async function beginRule({ source, target, limitSeconds }: RuleSessions): Promise<void> {
  const begin = `
    begin isolation level read committed read only;
    ${setAll(expectedSettings(limitsOf(limitSeconds)), true)};
    set local role none
  `;
  await Promise.all([source, target].map((session) => session.query(begin)));
}

/** Sets what the server knows of these, for the transaction or for the session: reset_val stays what it is. */
function setAll(settings: SessionSettings, local: boolean): string {
  const wanted = Object.entries(settings).map((setting) => `(${setting.map(quoteLiteral).join(", ")})`);
  return `
    select pg_catalog.set_config(known.name, wanted.setting, ${local})
    from (values ${wanted.join(", ")}) as wanted (name, setting)
    join pg_catalog.pg_settings as known on pg_catalog.lower(known.name) = wanted.name
    where known.context = 'user'
  `;
}

/**
 * @param open opens each side as a `ruleSession`
 * @param limitSeconds of one rule
 * @throws AggregateError with the reason for every side that cannot be reached.
 */
export async function openRuleSessions(
  open: { readonly source: () => Promise<pg.Client>; readonly target: () => Promise<pg.Client> },
  limitSeconds: number,
): Promise<RuleSessions> {
  const outcomes = await Promise.allSettled([open.source(), open.target()]);
  const [source, target] = outcomes.map((outcome) => (outcome.status === "fulfilled" ? outcome.value : undefined));
  try {
    if (source === undefined || target === undefined) {
      const reasons = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
      throw new AggregateError(reasons, "A server cannot be reached.");
    }
    const limits = setAll(limitsOf(limitSeconds), false);
    const [sourceVersion, targetVersion] = await Promise.all(
      [source, target].map(async (session) => {
        await session.query(limits);
        return await serverVersion(session);
      }),
    );
    return { source, target, sourceVersion: sourceVersion ?? 0, targetVersion: targetVersion ?? 0, limitSeconds };
  } catch (error) {
    for (const session of [source, target]) if (session !== undefined) await endSession(session);
    throw error;
  }
}

/** Ends both, at once when something still runs there. */
export async function endRuleSessions({ source, target }: RuleSessions): Promise<void> {
  await Promise.all([endSession(source), endSession(target)]);
}
