import type { HistoryEvent } from "./history-event.js";
import type { Orchestration } from "./orchestration.js";

/** The orchestrations that have not ended, by instance ID, and how what happens reaches them. */
export class ActiveOrchestrations {
  readonly #orchestrations = new Map<string, Orchestration>();
  readonly #arrived: (orchestration: Orchestration) => void;

  /** @param arrived told of every orchestration that has something new in its inbox */
  constructor(arrived: (orchestration: Orchestration) => void) {
    this.#arrived = arrived;
  }

  add(orchestration: Orchestration): void {
    this.#orchestrations.set(orchestration.record.instanceId, orchestration);
  }

  /** It has ended: nothing is delivered to it any more. */
  remove(orchestration: Orchestration): void {
    if (this.has(orchestration)) {
      this.#orchestrations.delete(orchestration.record.instanceId);
    }
    orchestration.clearTimers();
  }

  /** False for one that has ended, also when its instance ID is in use again. */
  has(orchestration: Orchestration): boolean {
    return this.find(orchestration.record.instanceId) === orchestration;
  }

  find(instanceId: string): Orchestration | undefined {
    return this.#orchestrations.get(instanceId);
  }

  /** Those of now: some may end while the caller goes through them. */
  all(): Orchestration[] {
    return [...this.#orchestrations.values()];
  }

  /** @param executionId which execution the event is for; undefined for any */
  deliver(instanceId: string, executionId: string | undefined, event: HistoryEvent): void {
    const orchestration = this.find(instanceId);
    if (
      orchestration === undefined ||
      (executionId !== undefined && orchestration.record.executionId !== executionId)
    ) {
      return;
    }
    orchestration.inbox.push(event);
    this.#arrived(orchestration);
  }
}
