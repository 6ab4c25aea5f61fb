/** Whether both servers have room for the sessions that the migration opens at its height. */
import type pg from "pg";
import { applicationNamePrefix } from "../../../postgres/application-name.js";
import { quoteIdentifier } from "../../../postgres/identifiers.js";
import { settings } from "../../../settings.js";
import { runOn } from "../../corrective-action.js";
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

/** Sessions at the height of one database's copy. */
interface Sessions {
  readonly planned: number;
  /** With one copy task and one index build at once: with less, it cannot go on at all. */
  readonly least: number;
}

/** Each copy task reads in one session; a snapshot has a keeper, and one that relieves it. */
const onSource = (copies: number) => copies + 2;

/** A copy task writes in one session and tells its progress in another; an index build is started in one and watched in another. */
const onTarget = (copies: number, builds: number) => 2 * copies + 2 * builds + 1;

export const rule: ServerRule = {
  id: "free-connections",
  title: "Enough free connections for the planned parallelism",
  scope: "server",
  modes: ["Offline", "Online"],
  remedy: "Lower `MAX_PARALLEL_COPIES`, migrate fewer databases at once, end idle sessions or raise `max_connections`.",
  check: async ({ spec, source, target }) => {
    const { maxParallelCopies: copies, maxParallelIndexBuilds: builds } = settings();
    const databases = spec.databases.length;
    const prefix = applicationNamePrefix(spec.key);
    return [
      ...(await shortage("source", spec.source.user, source, prefix, {
        planned: databases * onSource(copies),
        least: databases * onSource(1),
      })),
      ...(await shortage("target", spec.target.user, target, prefix, {
        planned: databases * onTarget(copies, builds),
        least: databases * onTarget(1, 1),
      })),
    ];
  },
};

async function shortage(
  side: "source" | "target",
  user: string,
  session: pg.Client,
  ownPrefix: string,
  { planned, least }: Sessions,
): Promise<RuleFinding[]> {
  const { rows } = await session.query<Connections>(connections, [ownPrefix]);
  const [row] = rows;
  if (row === undefined) return [];
  const free = Math.max(0, Number(row.available) - Number(row.used));
  const roleFree = row.role_limit === null ? planned : Math.max(0, row.role_limit - Number(row.role_used));
  const state = (room: number) => (room < least ? "Failed" : "Warning");
  const { maxParallelCopies, maxParallelIndexBuilds } = settings();
  const findings: RuleFinding[] = [];
  if (free < planned) {
    findings.push({
      state: state(free),
      message:
        `The ${side} has ${free} free connections for ${user}, the migration may open ${planned} and needs ${least}. Lower MAX_PARALLEL_COPIES ` +
        `(${maxParallelCopies}) and MAX_PARALLEL_INDEX_BUILDS (${maxParallelIndexBuilds}) in the app's settings, end idle sessions, or raise the ` +
        `server parameter max_connections by ${planned - free} and restart the ${side}.`,
    });
  }
  if (roleFree < planned) {
    findings.push({
      state: state(roleFree),
      message:
        `Role ${user} may open ${roleFree} more sessions on the ${side} (its CONNECTION LIMIT is ${row.role_limit}), the migration may open ` +
        `${planned}.${runOn(side, [`ALTER ROLE ${quoteIdentifier(user)} CONNECTION LIMIT -1;`])}`,
    });
  }
  if (findings.length > 0) return findings;
  return [
    { state: "Succeeded", message: `The ${side} has ${free} free connections, the migration may open ${planned}.` },
  ];
}
