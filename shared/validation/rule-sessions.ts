/** The pair of sessions that rules check with: they can change nothing, wait for no lock, and outlive no rule. */
import type pg from "pg";
import { endSession } from "../postgres/connect.js";
import { serverVersion } from "../postgres/source-tables.js";

export interface RuleSessions {
  readonly source: pg.Client;
  readonly target: pg.Client;
  readonly sourceVersion: number;
  readonly targetVersion: number;
}

/** A rule that meets a lock tells so, and nobody queues behind it. */
const lockLimitSeconds = 5;

/** A statement that goes on in the server after its rule was given up ends there soon after, and so does a transaction that nobody ends. */
const sessionLimits = `
  select set_config(wanted.name, wanted.setting, false)
  from (values
    ('default_transaction_read_only', 'on'),
    ('lock_timeout', $1),
    ('statement_timeout', $2),
    ('idle_in_transaction_session_timeout', $3)
  ) as wanted (name, setting)
  join pg_catalog.pg_settings as known on known.name = wanted.name
`;

/**
 * @param open opens each side
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
    const milliseconds = Math.ceil(limitSeconds * 1_000);
    const limits = [`${lockLimitSeconds}s`, `${milliseconds + 1_000}ms`, `${2 * milliseconds + 1_000}ms`];
    const [sourceVersion, targetVersion] = await Promise.all(
      [source, target].map(async (session) => {
        await session.query(sessionLimits, limits);
        return await serverVersion(session);
      }),
    );
    return { source, target, sourceVersion: sourceVersion ?? 0, targetVersion: targetVersion ?? 0 };
  } catch (error) {
    for (const session of [source, target]) if (session !== undefined) await endSession(session);
    throw error;
  }
}

/** Ends both, at once when something still runs there. */
export async function endRuleSessions({ source, target }: RuleSessions): Promise<void> {
  await Promise.all([endSession(source), endSession(target)]);
}
