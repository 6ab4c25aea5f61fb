import { listReroutedTrees } from "../../../postgres/partition-routing.js";
import { displayName } from "../../../schema/display-name.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

/**
 * A subscription applies a leaf's changes to the leaf of the same name: where the target would have routed a row elsewhere, its partition constraint refuses it. The base copy loads such
 * trees through their root, so offline migrations have nothing to fear.
 */
export const rule: DatabaseRule = {
  id: "partition-routing",
  title: "Rows belong to the same partitions on the target",
  scope: "database",
  modes: ["Online"],
  remedy: "Migrate the database in mode `Offline`: the copy loads such tables through the partitioned table.",
  async check({ source, sourceVersion }) {
    const trees = await listReroutedTrees(source, sourceVersion);
    if (trees.length === 0) return [];
    const names = trees.map(({ root, reason }) => `${displayName(root.schema, root.name)} (${reason})`);
    return [
      {
        state: "Failed",
        message:
          `${named("partitioned table", "partitioned tables", names)}: rows may belong to another partition on the target, whose constraint would refuse ` +
          "the changes that are replicated to the partition of the same name. Migrate the database in mode Offline: the copy loads such tables through the partitioned table.",
      },
    ];
  },
};
