/** Checking the rules about the two servers. */

import type { ValidationVerdict } from "../model/steps.js";
import { connect } from "../postgres/connect.js";
import { connectSource } from "../run/connect-source.js";
import { maintenanceDatabase, serversOf } from "../run/servers.js";
import { settings } from "../settings.js";
import { isEveryCancelRequested } from "../status/databases.js";
import { loadServerRules } from "./load-rules.js";
import { runRecorded } from "./recorded-run.js";
import { openRuleSessions, ruleSession } from "./rule-sessions.js";

/** May be run again, and then goes on with the rules that have no outcome. */
export async function validateServers(key: string): Promise<ValidationVerdict> {
  const servers = await serversOf(key);
  const { spec } = servers;
  const rules = (await loadServerRules()).filter(({ modes }) => modes.includes(spec.mode));
  return await runRecorded({
    key,
    checks: rules.map((rule) => ({ rule, run: (sessions) => rule.check({ spec, ...sessions }) })),
    open: () =>
      openRuleSessions(
        {
          source: () => connectSource(servers, "validate", ruleSession),
          target: () => connect({ ...servers.target(maintenanceDatabase, "validate"), ...ruleSession }),
        },
        settings().validationRuleTimeoutSeconds,
      ),
    isCanceled: () => isEveryCancelRequested(key),
  });
}
