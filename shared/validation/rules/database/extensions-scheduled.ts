import { quoteLiteral } from "../../../postgres/identifiers.js";
import { listScheduleTables, readRunningJobs } from "../../../postgres/scheduled-work.js";
import { displayName } from "../../../schema/display-name.js";
import { runOn } from "../../corrective-action.js";
import { installedExtensions } from "../../extensions.js";
import type { DatabaseRule, RuleFinding } from "../../rule.js";

/** Undefined where pg_cron is not loaded: that is another rule's. Every user may see it. */
const cronDatabase = "select pg_catalog.current_setting('cron.database_name', true) as database";

export const rule: DatabaseRule = {
  id: "extensions-scheduled",
  title: "No extension runs jobs on time, or the target is ready for them",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy:
    "Set `cron.database_name` of the target to the database and restart it. When the application uses the target, switch the source's jobs off.",
  async check({ source, target, database }) {
    const findings: RuleFinding[] = [];
    if ((await installedExtensions(source)).some(({ name }) => name === "pg_cron")) {
      const { rows } = await target.query<{ database: string | null }>(cronDatabase);
      const there = rows[0]?.database ?? undefined;
      if (there !== undefined && there !== database) {
        findings.push({
          state: "Failed",
          message:
            `Extension pg_cron: the target allows it in database ${displayName(there)} only, by its server parameter cron.database_name. ` +
            `Set the parameter to ${displayName(database)} and restart the target: on Azure with az postgres flexible-server parameter set, elsewhere in ` +
            `postgresql.conf or with SQL.${runOn("target", [`ALTER SYSTEM SET cron.database_name = ${quoteLiteral(database)};`])}`,
        });
      }
    }
    for (const table of await listScheduleTables(source)) {
      const jobs = (await readRunningJobs(source, table)).length;
      if (jobs === 0) continue;
      findings.push({
        state: "Warning",
        message:
          `Extension ${table.extension} acts on ${jobs} ${jobs === 1 ? "row" : "rows"} of ${displayName(table.schema, table.table)} on time: they arrive on the ` +
          "target switched off, and are on again at the end of the migration (online: after the cutover). From then on both servers act on " +
          "them, until you switch those of the source off.",
      });
    }
    return findings;
  },
};
