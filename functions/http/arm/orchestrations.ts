/** The durable client as the requests and the janitor need it. */
import { type DurableClient, OrchestrationRuntimeStatus } from "durable-functions";
import { type OrchestrationState, retryInstanceId } from "../../../shared/lifecycle/orchestration-control.js";
import type { Orchestrations } from "../../../shared/requests/orchestrations.js";

/** The root orchestration's name. */
const orchestrator = "migration";

const activeStatuses = [
  OrchestrationRuntimeStatus.Pending,
  OrchestrationRuntimeStatus.Running,
  OrchestrationRuntimeStatus.ContinuedAsNew,
  OrchestrationRuntimeStatus.Suspended,
];

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
      const instanceId = retryInstanceId(input.key, input.transition);
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
    async stateOf(instanceId) {
      return await stateOf(client, instanceId);
    },
    async activeBelow(rootId) {
      const active = await client.getStatusBy({ runtimeStatus: activeStatuses });
      return active.map(({ instanceId }) => instanceId).filter((id) => id.startsWith(`${rootId}:`));
    },
    async terminate(instanceId, reason) {
      try {
        await client.terminate(instanceId, reason);
      } catch (error) {
        // Gone, by now: that will do.
        if ((await stateOf(client, instanceId)).kind === "active") throw error;
      }
    },
    async purge(rootId, since, until) {
      const known = await client.getStatusBy({ createdTimeFrom: since, createdTimeTo: until });
      const ids = known.map(({ instanceId }) => instanceId).filter((id) => id.startsWith(`${rootId}:`));
      for (const id of [...ids, rootId]) await client.purgeInstanceHistory(id);
    },
  };
}

async function exists(client: DurableClient, instanceId: string): Promise<boolean> {
  return (await stateOf(client, instanceId)).kind !== "missing";
}

async function stateOf(client: DurableClient, instanceId: string): Promise<OrchestrationState> {
  try {
    const { runtimeStatus, output } = await client.getStatus(instanceId, { showInput: false });
    if (activeStatuses.includes(runtimeStatus)) return { kind: "active" };
    return { kind: "ended", how: howItEnded(runtimeStatus, output) };
  } catch (error) {
    // The client has no other way to say that there is none.
    if (error instanceof Error && error.message.includes("HTTP 404")) return { kind: "missing" };
    throw error;
  }
}

function howItEnded(status: OrchestrationRuntimeStatus, output: unknown): string {
  const words = typeof output === "string" ? output.trim().split("\n")[0] : undefined;
  const told = words === undefined || words === "" ? "" : ` (${words})`;
  switch (status) {
    case OrchestrationRuntimeStatus.Terminated:
      return `was terminated${told}`;
    case OrchestrationRuntimeStatus.Failed:
      return `failed${told}`;
    default:
      return "has ended without an end of the migration";
  }
}
