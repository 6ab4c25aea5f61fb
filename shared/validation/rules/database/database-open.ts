/** Whether the source has the database and lets us in. */
import { quoteIdentifier } from "../../../postgres/identifiers.js";
import type { DatabaseRule, RuleFinding } from "../../rule.js";

const databaseAccess = `
  select
    datallowconn as allows_connections,
    pg_catalog.has_database_privilege(oid, 'connect') as may_connect
  from pg_catalog.pg_database
  where datname = $1
`;

export const rule: DatabaseRule = {
  id: "database-open",
  title: "Database is on the source and can be entered",
  scope: "database",
  modes: ["Offline", "Online"],
  gate: true,
  remedy: "Correct `dbsToMigrate`, `ALTER DATABASE … WITH ALLOW_CONNECTIONS true` or `GRANT CONNECT ON DATABASE …`.",
  check: async ({ spec, source, database }) => {
    const { rows } = await source.query<{ allows_connections: boolean; may_connect: boolean }>(databaseAccess, [
      database,
    ]);
    const [access] = rows;
    if (access === undefined) {
      return failed(
        `The source ${spec.source.host}:${spec.source.port} has no database ${database}. Correct dbsToMigrate: names are compared with case.`,
      );
    }
    if (!access.allows_connections) {
      return failed(
        `Database ${database} does not allow connections. Run on the source: ALTER DATABASE ${quoteIdentifier(database)} WITH ALLOW_CONNECTIONS true;`,
      );
    }
    if (!access.may_connect) {
      return failed(
        `${spec.source.user} may not connect to database ${database}. Run on the source: GRANT CONNECT ON DATABASE ${quoteIdentifier(database)} TO ${quoteIdentifier(spec.source.user)};`,
      );
    }
    return [];
  },
};

function failed(message: string): RuleFinding[] {
  return [{ state: "Failed", message }];
}
