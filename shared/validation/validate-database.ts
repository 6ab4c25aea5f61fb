/** Checking the rules about one database. */

import type { ValidationVerdict } from "../model/steps.js";
import { taskFor } from "../postgres/application-name.js";
import { connect } from "../postgres/connect.js";
import { connectSource } from "../run/connect-source.js";
import { maintenanceDatabase, serversOf } from "../run/servers.js";
import { settings } from "../settings.js";
import { isCancelRequested } from "../status/databases.js";
import { loadDatabaseRules } from "./load-rules.js";
import { runRecorded } from "./recorded-run.js";
import { openRuleSessions, ruleSession } from "./rule-sessions.js";

/** May be run again, and then goes on with the rules that have no outcome. */
export async function validateDatabase(key: string, database: string): Promise<ValidationVerdict> {
  const servers = await serversOf(key);
  const { spec } = servers;
  const task = taskFor(database, "validate");
  const rules = (await loadDatabaseRules()).filter(({ modes }) => modes.includes(spec.mode));
  return await runRecorded({
    key,
    database,
    checks: rules.map((rule) => ({ rule, run: (sessions) => rule.check({ spec, database, ...sessions }) })),
    open: (gate) =>
      openRuleSessions(
        {
          source: () =>
            gate
              ? connectSource(servers, task, ruleSession)
              : connect({ ...servers.source(database, task), ...ruleSession }),
          target: () => connect({ ...servers.target(maintenanceDatabase, task), ...ruleSession }),
        },
        settings().validationRuleTimeoutSeconds,
      ),
    isCanceled: () => isCancelRequested(key, database),
  });
}
