/** Back to following after a cutover that failed: everything is in place, so that the cause can be mended and the cutover triggered again. */

import type { Failure } from "../model/outcome.js";
import { replicationNames } from "../model/replication-names.js";
import type { DatabaseRun } from "../model/steps.js";
import { withConnection } from "../postgres/connect.js";
import { serverVersion } from "../postgres/source-tables.js";
import { enableSubscription, readSubscription } from "../postgres/subscription.js";
import { serversOf } from "../run/servers.js";
import { changeDatabase } from "../status/databases.js";

/** Converges: a failure that has been noted is not counted again. */
export async function resumeFollowing({ key, database, attempt }: DatabaseRun, failure: Failure): Promise<void> {
  const { subscription } = replicationNames(key, database, attempt);
  const servers = await serversOf(key);
  await withConnection(servers.target(database, "cutover"), async (target) => {
    const is = await readSubscription(target, subscription, await serverVersion(target));
    if (is?.enabled === false) await enableSubscription(target, subscription);
  });
  const message = `The cutover has failed: ${failure.message} The target follows the source again: trigger the cutover anew when that is mended.`;
  await changeDatabase(key, database, (row) =>
    row.cutoverRequested
      ? {
          cutoverRequested: false,
          cutoverForced: false,
          cutoverPoint: "",
          cutoverTransactions: "",
          cutoverFailures: row.cutoverFailures + 1,
          cutoverFailure: message,
          state: "WaitingForCutoverTrigger",
          currentStep: "following the source",
          message,
        }
      : undefined,
  );
}
