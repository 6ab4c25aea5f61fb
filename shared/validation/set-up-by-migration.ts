/** Settings of the source that the migration changes by itself when it is asked to. */
import type { MigrationSpec } from "../model/migration.js";
import type { RuleFinding } from "./rule.js";

/** A setting that the source lacks is no obstacle to a migration with setupLogicalReplicationOnSourceDbIfNeeded, which then waits for the restart. */
export function setUpByMigration(spec: MigrationSpec, finding: RuleFinding): RuleFinding {
  if (finding.state !== "Failed" || !spec.setupLogicalReplicationOnSourceDbIfNeeded) return finding;
  return {
    state: "Warning",
    message:
      "The migration will set it (setupLogicalReplicationOnSourceDbIfNeeded is True), and wait until the source has been restarted; or do it now. " +
      finding.message,
  };
}
