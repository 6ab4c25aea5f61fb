import { quoteIdentifier } from "../../../postgres/identifiers.js";
import { settings } from "../../../settings.js";
import { runOn } from "../../corrective-action.js";
import type { DatabaseRule } from "../../rule.js";

const databaseAndUser = `
  select
    d.datallowconn as allows_connections,
    d.datconnlimit as connection_limit,
    pg_catalog.has_database_privilege(d.oid, 'connect') as may_connect,
    r.rolsuper as superuser,
    r.rolname as user
  from pg_catalog.pg_database as d
  join pg_catalog.pg_roles as r on r.rolname = current_user
  where d.datname = $1
`;

interface DatabaseAndUser {
  readonly allows_connections: boolean;
  readonly connection_limit: number;
  readonly may_connect: boolean;
  readonly superuser: boolean;
  readonly user: string;
}

/** pg_database.datconnlimit of a database whose DROP was interrupted (DATCONNLIMIT_INVALID_DB). */
const halfDropped = -2;

/** Sessions beside those of the copy tasks: the snapshot's keeper, the schema dump, one to read progress. */
const sessionsBesideCopies = 3;

export const rule: DatabaseRule = {
  id: "database-exists",
  title: "The database exists on the source and accepts our sessions",
  scope: "database",
  modes: ["Offline", "Online"],
  gate: true,
  remedy: "Correct `dbsToMigrate`, `ALTER DATABASE … ALLOW_CONNECTIONS true` or `GRANT CONNECT ON DATABASE …`.",
  async check({ source, database, spec }) {
    const { rows } = await source.query<DatabaseAndUser>(databaseAndUser, [database]);
    const [found] = rows;
    if (found === undefined) {
      return [
        {
          state: "Failed",
          message: `The source ${spec.source.host}:${spec.source.port} has no database ${database}. Correct dbsToMigrate: names are compared with case.`,
        },
      ];
    }
    const name = quoteIdentifier(database);
    const failed = (wrong: string, statement: string) => [
      { state: "Failed" as const, message: `Database ${database} ${wrong}.${runOn("source", [statement])}` },
    ];
    if (found.connection_limit === halfDropped) {
      return failed("is what an interrupted DROP DATABASE has left: its contents are lost", `DROP DATABASE ${name};`);
    }
    if (!found.allows_connections) {
      return failed("does not allow connections", `ALTER DATABASE ${name} ALLOW_CONNECTIONS true;`);
    }
    if (!found.may_connect) {
      return failed(
        `cannot be entered by ${found.user}`,
        `GRANT CONNECT ON DATABASE ${name} TO ${quoteIdentifier(found.user)};`,
      );
    }
    const needed = settings().maxParallelCopies + sessionsBesideCopies;
    if (!found.superuser && found.connection_limit >= 0 && found.connection_limit < needed) {
      return failed(
        `admits ${found.connection_limit} connections, and the migration needs up to ${needed} (MAX_PARALLEL_COPIES and ${sessionsBesideCopies})`,
        `ALTER DATABASE ${name} CONNECTION LIMIT -1;`,
      );
    }
    return [];
  },
};
