import { quoteIdentifier } from "../../../postgres/identifiers.js";
import { runOn } from "../../corrective-action.js";
import { installedExtensions } from "../../extensions.js";
import type { DatabaseRule, RuleFinding } from "../../rule.js";

interface KnownProblem {
  readonly state: RuleFinding["state"];
  readonly wrong: string;
  readonly instead: string;
}

/**
 * Extensions whose data does not survive a dump and copy of tables. From Azure's "Known issues and limitations for the migration service", the
 * extensions' own chapters about backup, and what their configuration tables leave out.
 */
const knownProblems: ReadonlyMap<string, KnownProblem> = new Map<string, KnownProblem>([
  [
    "timescaledb",
    {
      state: "Failed",
      wrong:
        "its chunks and catalog can be restored only between timescaledb_pre_restore() and timescaledb_post_restore()",
      instead: "Move this database with pg_dump and pg_restore as TimescaleDB's documentation says.",
    },
  ],
  [
    "citus",
    {
      state: "Failed",
      wrong: "rows of distributed tables are on its worker nodes, not in this database",
      instead: "Turn the tables into local ones with undistribute_table(), or move the cluster with its own tools.",
    },
  ],
  [
    "pg_partman",
    {
      state: "Failed",
      wrong:
        "Azure's migration does not carry its configuration, and its template tables and jobs belong to one server",
      instead: "Keep the partitions, drop the extension, and set it up again on the target.",
    },
  ],
  [
    "postgis_topology",
    {
      state: "Failed",
      wrong: "its topologies are registered in schema topology, which CREATE EXTENSION fills by itself",
      instead: "Move the topologies with pg_dump after the migration.",
    },
  ],
  [
    "postgis_tiger_geocoder",
    {
      state: "Failed",
      wrong: "its tables are loaded by scripts into schemas of its own",
      instead: "Load the data on the target again after the migration.",
    },
  ],
  [
    "pglogical",
    {
      state: "Failed",
      wrong: "its nodes and subscriptions point at this server",
      instead: "Set replication up again after the migration.",
    },
  ],
  [
    "pg_cron",
    {
      state: "Warning",
      wrong:
        "it can be created only in the database that the target's server parameter cron.database_name names, and its jobs name the old server",
      instead:
        "Set cron.database_name on the target, or drop the extension and schedule the jobs again after the migration.",
    },
  ],
]);

export const rule: DatabaseRule = {
  id: "extensions-unsupported",
  title: "No extension is known to break when it is moved",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Follow the extension's own way of moving, or drop it on the source and set it up again on the target.",
  async check({ source }) {
    return (await installedExtensions(source)).flatMap(({ name }) => {
      const problem = knownProblems.get(name);
      if (problem === undefined) return [];
      const { state, wrong, instead } = problem;
      const action = runOn("source", [`DROP EXTENSION ${quoteIdentifier(name)};`]);
      return [{ state, message: `Extension ${name} cannot be moved as it is: ${wrong}. ${instead}${action}` }];
    });
  },
};
