/** Telling another orchestration something. Events are only hints: what they are about is in the status tables, where it is looked up anyway. */
import type { InvocationContext } from "@azure/functions";
import * as df from "durable-functions";
import type { MigrationSpec } from "../../shared/model/migration.js";

/**
 * Raises the event; an orchestration that has ended, or has not begun, does not need it.
 * @returns whether Durable has taken it
 */
export async function raiseEvent(context: InvocationContext, instanceId: string, name: string): Promise<boolean> {
  const client = df.getClient(context);
  try {
    await client.raiseEvent(instanceId, name, {});
    return true;
  } catch (error) {
    context.debug(`${name} did not reach ${instanceId}: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

/** Tells those orchestrations that follow these databases. Their instance IDs are given by orchestrators/database.ts. */
export async function wakeFollowers(
  context: InvocationContext,
  { key, databases }: Pick<MigrationSpec, "key" | "databases">,
  chosen: readonly string[],
  event: "Cutover" | "Wake",
): Promise<void> {
  await Promise.all(
    databases.flatMap((database, index) =>
      chosen.includes(database) ? [raiseEvent(context, `${key}:${index + 1}:follow`, event)] : [],
    ),
  );
}
