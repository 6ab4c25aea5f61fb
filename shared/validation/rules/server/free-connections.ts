/** Whether both servers have room for the sessions that the migration opens at its height. */
import type pg from "pg";
import { applicationNamePrefix } from "../../../postgres/application-name.js";
import { quoteIdentifier } from "../../../postgres/identifiers.js";
import { settings } from "../../../settings.js";
import type { RuleFinding, ServerRule } from "../../rule.js";

/** Our own sessions are not counted: the validation's will be gone. Superusers may use what is reserved for them. */
const connections = `
  select
    pg_catalog.current_setting('max_connections')::integer - case
      when role.rolsuper then 0
      else (
        select sum(setting::integer)
        from pg_catalog.pg_settings
        where name in ('superuser_reserved_connections', 'reserved_connections')
      )
    end as available,
    (
      select sum(numbackends)
      from pg_catalog.pg_stat_database
      where datname is not null
    ) - own.sessions as used,
    nullif(role.rolconnlimit, -1) as role_limit,
    role_sessions.sessions - own.sessions as role_used
  from pg_catalog.pg_roles as role
  cross join lateral (
    select count(*) as sessions
    from pg_catalog.pg_stat_activity
    where left(application_name, length($1)) = $1
  ) as own
  cross join lateral (
    select count(*) as sessions
    from pg_catalog.pg_stat_activity
    where usesysid = role.oid
  ) as role_sessions
  where role.rolname = current_user
`;

interface Connections {
  available: string;
  used: string;
  role_limit: number | null;
  role_used: string;
}

export const rule: ServerRule = {
  id: "free-connections",
  title: "Enough free connections for the planned parallelism",
  scope: "server",
  modes: ["Offline", "Online"],
  remedy: "Lower `MAX_PARALLEL_COPIES`, migrate fewer databases at once, end idle sessions or raise `max_connections`.",
  check: async ({ spec, source, target }) => {
    const { maxParallelCopies, maxParallelIndexBuilds } = settings();
    const databases = spec.databases.length;
    const prefix = applicationNamePrefix(spec.key);
    return [
      // A snapshot's keeper and the one that relieves it.
      ...(await shortage("source", spec.source.user, source, prefix, databases * (maxParallelCopies + 2))),
      ...(await shortage(
        "target",
        spec.target.user,
        target,
        prefix,
        databases * (maxParallelCopies + maxParallelIndexBuilds + 1),
      )),
    ];
  },
};

async function shortage(
  side: string,
  user: string,
  session: pg.Client,
  ownPrefix: string,
  needed: number,
): Promise<RuleFinding[]> {
  const { rows } = await session.query<Connections>(connections, [ownPrefix]);
  const [row] = rows;
  if (row === undefined) return [];
  const free = Number(row.available) - Number(row.used);
  const roleFree = row.role_limit === null ? Number.POSITIVE_INFINITY : row.role_limit - Number(row.role_used);
  const planned = `MAX_PARALLEL_COPIES (${settings().maxParallelCopies}) and MAX_PARALLEL_INDEX_BUILDS (${settings().maxParallelIndexBuilds})`;
  const findings: RuleFinding[] = [];
  if (free < needed) {
    findings.push({
      state: "Failed",
      message:
        `The ${side} has ${Math.max(0, free)} free connections for ${user}, the migration may open ${needed}. Lower ${planned} ` +
        `in the app's settings, end idle sessions, or raise the server parameter max_connections by ${needed - free} and restart the ${side}.`,
    });
  }
  if (roleFree < needed) {
    findings.push({
      state: "Failed",
      message:
        `Role ${user} may open ${Math.max(0, roleFree)} more sessions on the ${side} (its CONNECTION LIMIT is ${row.role_limit}), the migration may ` +
        `open ${needed}. On the ${side}, run: ALTER ROLE ${quoteIdentifier(user)} CONNECTION LIMIT -1;`,
    });
  }
  if (findings.length > 0) return findings;
  return [
    { state: "Succeeded", message: `The ${side} has ${free} free connections, the migration may open ${needed}.` },
  ];
}
