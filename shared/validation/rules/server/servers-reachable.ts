/** Whether we get into both servers, as whom and how. Opening the sessions is the check; what is left is to tell of it. */
import type pg from "pg";
import type { ServerEndpoint } from "../../../model/migration.js";
import type { RuleFinding, ServerRule } from "../../rule.js";

const sessionSecurity = `
  select session.ssl as tls, session.version as tls_version
  from pg_catalog.pg_stat_ssl as session
  where session.pid = pg_catalog.pg_backend_pid()
`;

export const rule: ServerRule = {
  id: "servers-reachable",
  title: "Both servers reached, with the users, passwords and TLS given",
  scope: "server",
  modes: ["Offline", "Online"],
  gate: true,
  remedy:
    "Correct host, port, user, password or `SSL_ROOT_CERTIFICATE`; let the service's address through the firewall and `pg_hba.conf`; start the server.",
  check: async ({ spec, source, target }) => [
    await describe("Source", spec.source, source),
    await describe("Target", spec.target, target),
  ],
};

async function describe(side: string, { host, port, user }: ServerEndpoint, session: pg.Client): Promise<RuleFinding> {
  const { rows } = await session.query<{ tls: boolean; tls_version: string | null }>(sessionSecurity);
  const tls =
    rows[0]?.tls === true ? `over ${rows[0].tls_version ?? "TLS"}` : "without TLS: sslMode Require insists on it";
  return { state: "Succeeded", message: `${side} ${host}:${port} reached as ${user}, ${tls}.` };
}
