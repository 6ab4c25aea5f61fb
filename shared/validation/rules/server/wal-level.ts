/** Whether the source writes what logical decoding needs. */
import { runOn } from "../../corrective-action.js";
import type { ServerRule } from "../../rule.js";
import { setUpByMigration } from "../../set-up-by-migration.js";

export const rule: ServerRule = {
  id: "wal-level",
  title: "Source writes a write-ahead log that changes can be read from",
  scope: "server",
  modes: ["Online"],
  remedy: "Set the server parameter `wal_level` of the source to `logical` and restart it.",
  check: async ({ source, spec }) => {
    const { rows } = await source.query<{ level: string }>("select pg_catalog.current_setting('wal_level') as level");
    const level = rows[0]?.level;
    if (level === "logical") return [];
    return [
      setUpByMigration(spec, {
        state: "Failed",
        message:
          `wal_level of the source ${spec.source.host}:${spec.source.port} is ${level}: an online migration reads its changes by logical decoding. ` +
          "Set the server parameter to logical, and restart the server (rds.logical_replication = 1 on Amazon RDS, cloudsql.logical_decoding = on " +
          `on Cloud SQL).${runOn("source", ["ALTER SYSTEM SET wal_level = 'logical';"])}`,
      }),
    ];
  },
};
