/**
 * What a validation rule is. Each is a file of its own in rules/server or rules/database that exports it as `rule`; the file's name is the rule's id.
 * Nothing lists them: a new file is a new rule (load-rules.ts).
 */
import type pg from "pg";
import type { MigrationMode, MigrationSpec } from "../model/migration.js";

/** KnownValidationState of the SDK. */
export type RuleState = "Succeeded" | "Warning" | "Failed";

/**
 * One thing that a rule found. A Failed one would make the migration fail or lose something; a Warning is for a person to know before the move; a
 * Succeeded one is information.
 */
export interface RuleFinding {
  readonly state: RuleState;
  /** Names the object, says what is wrong and the corrective action: the SQL and where to run it, or the server parameter to set. Holds no secret. */
  readonly message: string;
}

/** What a rule checks. Both sessions are read-only, give up a lock after a moment, and have an empty search_path as all of ours. */
export interface ServerRuleContext {
  readonly spec: MigrationSpec;
  /** A session in a database of the source: the first of the migration that can be entered, else the maintenance database. */
  readonly source: pg.Client;
  /** A session in the target's maintenance database. */
  readonly target: pg.Client;
  /** server_version_num, e.g. 120022. */
  readonly sourceVersion: number;
  readonly targetVersion: number;
}

export interface DatabaseRuleContext extends ServerRuleContext {
  readonly database: string;
  /** A session in that database of the source. */
  readonly source: pg.Client;
}

interface RuleDescription {
  /** The file's name, e.g. "replication-slots": RowKey in MigrationValidations. */
  readonly id: string;
  /** What is checked, for people: a short phrase. */
  readonly title: string;
  readonly modes: readonly MigrationMode[];
  /** What to do when the rule does not succeed, for docs/validation-rules.md: one sentence of Markdown. */
  readonly remedy: string;
  /**
   * A gate is checked before the other rules of its scope, and they only when it has not failed: without what it checks they could only fail
   * likewise. A database's gate has its source session in whatever database of the source lets us in.
   */
  readonly gate?: true;
}

export interface ServerRule extends RuleDescription {
  readonly scope: "server";
  /** No findings means Succeeded. A rule that throws is Failed with the error's message. */
  check(context: ServerRuleContext): Promise<readonly RuleFinding[]>;
}

export interface DatabaseRule extends RuleDescription {
  readonly scope: "database";
  /** As a server rule's, for each database of the migration. */
  check(context: DatabaseRuleContext): Promise<readonly RuleFinding[]>;
}

export type Rule = ServerRule | DatabaseRule;

/** The worst state among the findings; Succeeded when there are none. */
export function stateOf(findings: readonly RuleFinding[]): RuleState {
  if (findings.some(({ state }) => state === "Failed")) return "Failed";
  return findings.some(({ state }) => state === "Warning") ? "Warning" : "Succeeded";
}
