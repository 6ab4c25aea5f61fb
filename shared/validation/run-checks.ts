/** Running rules one after the other, each with a time limit; what one of them does to its sessions does not reach the next. */

import { setTimeout as delay } from "node:timers/promises";
import { failureOf } from "../run/failure-of.js";
import { isPlatformFault } from "../status/platform-fault.js";
import { type Rule, type RuleFinding, type RuleState, stateOf } from "./rule.js";
import { beginRule, endRuleSessions, type RuleSessions } from "./rule-sessions.js";

/** A rule and what it is to be checked on. */
export interface Check {
  readonly rule: Rule;
  readonly run: (sessions: RuleSessions) => Promise<readonly RuleFinding[]>;
}

export interface RuleOutcome {
  readonly rule: Rule;
  readonly state: RuleState;
  readonly findings: readonly RuleFinding[];
  readonly startedOn: Date;
  readonly endedOn: Date;
}

export interface CheckOptions {
  readonly open: () => Promise<RuleSessions>;
  readonly limitSeconds: number;
  /** Called with each outcome as soon as there is one. An exception of it ends the run. */
  readonly settled: (outcome: RuleOutcome) => Promise<void>;
  /** Asked before each check but the first: false ends the run early. An exception of it ends the run too. */
  readonly goOn: () => Promise<boolean>;
}

/**
 * Runs the checks. One that throws or exceeds the limit is Failed with the reason; sessions that it may have spoilt are given up, and the next
 * one gets new ones.
 * @returns whether all have been run.
 * @throws faults of the platform: they say nothing about a rule
 */
export async function runChecks(checks: readonly Check[], options: CheckOptions): Promise<boolean> {
  let sessions: RuleSessions | undefined;
  try {
    for (const [index, { rule, run }] of checks.entries()) {
      if (index > 0 && !(await options.goOn())) return false;
      const startedOn = new Date();
      let findings: readonly RuleFinding[];
      try {
        sessions ??= await openWithin(options);
        findings = await within(options.limitSeconds, inReadOnlyTransaction(sessions, run));
      } catch (error) {
        if (isPlatformFault(error)) throw error;
        if (sessions !== undefined) await endRuleSessions(sessions);
        sessions = undefined;
        findings = reasonsOf(error);
      }
      await options.settled({ rule, state: stateOf(findings), findings, startedOn, endedOn: new Date() });
    }
    return true;
  } finally {
    if (sessions !== undefined) await endRuleSessions(sessions);
  }
}

/** Nothing a rule does outlives it; and one that would write is refused by the server. */
async function inReadOnlyTransaction(sessions: RuleSessions, run: Check["run"]): Promise<readonly RuleFinding[]> {
  await beginRule(sessions);
  const findings = await run(sessions);
  await Promise.all([sessions.source, sessions.target].map((session) => session.query("rollback")));
  return findings;
}

async function openWithin({ open, limitSeconds }: CheckOptions): Promise<RuleSessions> {
  const opening = open();
  try {
    return await within(limitSeconds, opening);
  } catch (error) {
    // Sessions that come too late must not stay.
    opening.then(endRuleSessions).catch(() => {});
    throw error;
  }
}

async function within<T>(limitSeconds: number, work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const limit = delay(limitSeconds * 1_000, undefined, { signal: over.signal }).then(() => {
    throw new Error(
      `The check did not end within ${limitSeconds} s (VALIDATION_RULE_TIMEOUT_SECONDS). Validate again when the servers are less busy, or raise the limit.`,
    );
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    over.abort();
    limit.catch(() => {});
  }
}

function reasonsOf(error: unknown): RuleFinding[] {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  return errors.map((one) => ({ state: "Failed", message: failureOf(one).message }));
}
