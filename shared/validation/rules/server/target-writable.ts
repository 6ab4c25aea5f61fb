/** Whether the target takes writes: it is no standby, and our user's transactions are not read-only by default. */
import { quoteIdentifier } from "../../../postgres/identifiers.js";
import { runOn } from "../../corrective-action.js";
import type { RuleFinding, ServerRule } from "../../rule.js";

/** reset_val is what holds where a session has not set it, as ours has. */
const writability = `
  select
    pg_catalog.pg_is_in_recovery() as standby,
    (
      select reset_val = 'on'
      from pg_catalog.pg_settings
      where name = 'default_transaction_read_only'
    ) as read_only
`;

export const rule: ServerRule = {
  id: "target-writable",
  title: "Target takes writes",
  scope: "server",
  modes: ["Offline", "Online"],
  remedy: "Name the primary, not a standby; `ALTER ROLE … SET default_transaction_read_only = off`.",
  check: async ({ spec, target }) => {
    const { rows } = await target.query<{ standby: boolean; read_only: boolean }>(writability);
    const findings: RuleFinding[] = [];
    if (rows[0]?.standby === true) {
      findings.push({
        state: "Failed",
        message: `The target ${spec.target.host}:${spec.target.port} is a standby. Name its primary in targetDbServerFullyQualifiedDomainName, or promote it with: SELECT pg_promote();`,
      });
    }
    if (rows[0]?.read_only === true) {
      findings.push({
        state: "Failed",
        message:
          `default_transaction_read_only is on for ${spec.target.user} on the target: nothing could be written.` +
          runOn("target", [`ALTER ROLE ${quoteIdentifier(spec.target.user)} SET default_transaction_read_only = off;`]),
      });
    }
    return findings;
  },
};
