/** The durable client as the requests need it. */
import type { DurableClient } from "durable-functions";
import type { Orchestrations } from "../../../shared/requests/orchestrations.js";

/** The root orchestration's name. */
const orchestrator = "migration";

export function orchestrationsOf(client: DurableClient): Orchestrations {
  return {
    async ensureStarted(spec) {
      if (await exists(client, spec.key)) return;
      try {
        await client.startNew(orchestrator, { instanceId: spec.key, input: spec });
      } catch (error) {
        // Another request may have started it in between; Durable refuses a second one of the same ID.
        if (!(await exists(client, spec.key))) throw error;
      }
    },
    async ensureRetry(input) {
      const instanceId = `${input.key}:statements:${input.transition}`;
      if (await exists(client, instanceId)) return;
      try {
        await client.startNew("statementsRetry", { instanceId, input });
      } catch (error) {
        if (!(await exists(client, instanceId))) throw error;
      }
    },
    async raise(key, name, data) {
      await client.raiseEvent(key, name, data);
    },
  };
}

async function exists(client: DurableClient, instanceId: string): Promise<boolean> {
  try {
    await client.getStatus(instanceId);
    return true;
  } catch (error) {
    // The client has no other way to say that there is none.
    if (error instanceof Error && error.message.includes("HTTP 404")) return false;
    throw error;
  }
}
