import { installedExtensions } from "../../extensions.js";
import type { DatabaseRule, RuleFinding } from "../../rule.js";

interface KnownProblem {
  readonly state: RuleFinding["state"];
  readonly wrong: string;
  readonly instead: string;
}

/**
 * Extensions that keep what is theirs where no copy of a database's tables reaches it, by their own documentation. What a copy does carry is not
 * here, whatever other services say of it: pg_cron, pg_partman, PostGIS with topology, raster and geocoder, pgRouting, pgaudit, hll, rum, ip4r, periods and all of
 * contrib were moved and compared (test/cases/extensions-of-debian.test.ts).
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
    "pglogical",
    {
      state: "Warning",
      wrong: "its nodes, replication sets and subscriptions are not its configuration, so they stay behind",
      instead: "The extension itself is moved; set replication up again on the target when the application uses it.",
    },
  ],
]);

export const rule: DatabaseRule = {
  id: "extensions-unsupported",
  title: "No extension keeps what is the user's where a copy does not reach it",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Follow the extension's own way of moving: the finding names it.",
  async check({ source }) {
    return (await installedExtensions(source)).flatMap(({ name }) => {
      const problem = knownProblems.get(name);
      if (problem === undefined) return [];
      const { state, wrong, instead } = problem;
      return [{ state, message: `Extension ${name} cannot be moved as it is: ${wrong}. ${instead}` }];
    });
  },
};
