/** Whether a server can be reached, as whom and how: what testConnection answers for each side. */

import { locationOfHost } from "../model/server-location.js";
import type { ServerLogin } from "../model/server-request.js";
import { ServiceError } from "../model/service-error.js";
import { proveOneBackend } from "./connect.js";
import { readDatabases } from "./list-databases.js";
import { withMaintenanceConnection } from "./maintenance-connection.js";

const serverFacts = `
  select
    pg_catalog.current_setting('server_version') as version,
    pg_catalog.current_setting('server_version_num')::integer as version_number,
    coalesce(
      (
        select administrator.rolname
        from pg_catalog.pg_auth_members as membership
        join pg_catalog.pg_roles as administrators on administrators.oid = membership.roleid
        join pg_catalog.pg_roles as administrator on administrator.oid = membership.member
        where administrators.rolname in ('azure_pg_admin', 'rds_superuser', 'cloudsqlsuperuser', 'alloydbsuperuser')
          and administrator.rolcanlogin
          and not administrator.rolsuper
        order by administrator.oid
        limit 1
      ),
      (select owner.rolname from pg_catalog.pg_roles as owner where owner.oid = 10)
    ) as administrator,
    session.ssl as tls,
    session.version as tls_version,
    session.cipher as tls_cipher,
    role.rolsuper as superuser,
    role.rolcreatedb as may_create_databases,
    role.rolreplication as may_replicate,
    pg_catalog.current_setting('wal_level') as wal_level,
    pg_catalog.current_setting('max_replication_slots')::int
      - (select count(*)::int from pg_catalog.pg_replication_slots) as free_replication_slots,
    pg_catalog.current_setting('max_wal_senders')::int
      - (select count(*)::int from pg_catalog.pg_stat_replication) as free_wal_senders
  from pg_catalog.pg_roles as role
  left join pg_catalog.pg_stat_ssl as session on session.pid = pg_catalog.pg_backend_pid()
  where role.rolname = current_user
`;

interface ServerFacts {
  version: string;
  version_number: number;
  administrator: string | null;
  tls: boolean | null;
  tls_version: string | null;
  tls_cipher: string | null;
  superuser: boolean;
  may_create_databases: boolean;
  may_replicate: boolean;
  wal_level: string;
  free_replication_slots: number;
  free_wal_senders: number;
}

export type ProbeOutcome = { readonly server: string; readonly user: string } & (
  | {
      readonly reachable: true;
      readonly version: string;
      readonly majorVersion: number;
      /** The region, where the host's name tells it, or for the target an earlier migration. */
      readonly location?: string | undefined;
      /** Azure's "administrator login": on a managed server the first member of its administrators, else the bootstrap superuser. */
      readonly administrator?: string | undefined;
      readonly tls: { readonly inUse: boolean; readonly version?: string; readonly cipher?: string };
      readonly databases: number;
      /** Of those that the user may connect to. */
      readonly sizeBytes: number;
      /** From the first packet to the last answer. */
      readonly milliseconds: number;
      readonly superuser: boolean;
      readonly mayCreateDatabases: boolean;
      readonly mayReplicate: boolean;
      readonly walLevel: string;
      readonly freeReplicationSlots: number;
      readonly freeWalSenders: number;
    }
  | { readonly reachable: false; readonly error: { readonly code: string; readonly message: string } }
);

/** Connects once and reports what it found; what went wrong is an outcome, with its remedy, and not an exception. */
export async function probeServer(login: ServerLogin): Promise<ProbeOutcome> {
  const { host, port, user } = login.endpoint;
  const server = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const began = Date.now();
  try {
    return await withMaintenanceConnection(login, "test connection", async (client, options) => {
      await proveOneBackend(client, options);
      const { rows } = await client.query<ServerFacts>(serverFacts);
      const [facts] = rows;
      if (facts === undefined)
        throw new ServiceError("RoleNotFound", `${server}: user ${user} is no role of the server. Check its name.`);
      const databases = await readDatabases(client);
      return {
        server,
        user,
        reachable: true,
        version: facts.version,
        majorVersion: Math.floor(facts.version_number / 10_000),
        location: locationOfHost(host),
        administrator: facts.administrator ?? undefined,
        tls: {
          inUse: facts.tls ?? false,
          ...(facts.tls_version && { version: facts.tls_version }),
          ...(facts.tls_cipher && { cipher: facts.tls_cipher }),
        },
        databases: databases.length,
        sizeBytes: databases.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0),
        milliseconds: Date.now() - began,
        superuser: facts.superuser,
        mayCreateDatabases: facts.superuser || facts.may_create_databases,
        mayReplicate: facts.superuser || facts.may_replicate,
        walLevel: facts.wal_level,
        freeReplicationSlots: facts.free_replication_slots,
        freeWalSenders: facts.free_wal_senders,
      };
    });
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return { server, user, reachable: false, error: told(server, error) };
  }
}

/**
 * Whoever may ask this service to connect to an address must not learn from it which ports of a network are closed, and which are filtered. A migration
 * that fails says more.
 */
function told(server: string, { code, message, cause }: ServiceError): { code: string; message: string } {
  const unknownName = isSystemError(cause) && cause.syscall === "getaddrinfo";
  if ((code !== "ServerUnreachable" && code !== "ProtocolViolation") || unknownName) return { code, message };
  return {
    code: "ServerUnreachable",
    message:
      `${server} does not answer as a PostgreSQL server. Check host and port, that the server runs and listens there, and that its firewall and the ` +
      "network's rules let this service in.",
  };
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}
