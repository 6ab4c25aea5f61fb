import { completedTask, createsTask, type HistoryEvent } from "./history-event.js";
import type { InstanceRecord } from "./instance-record.js";

/** One running orchestration in the host's memory. Only the engine changes it. */
export class Orchestration {
  record: InstanceRecord;
  history: HistoryEvent[];
  /** What has happened and no turn has taken up yet. */
  readonly inbox: HistoryEvent[] = [];
  /** A turn is under way. */
  busy = false;
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(record: InstanceRecord, history: HistoryEvent[]) {
    this.record = record;
    this.history = history;
  }

  /** Tasks that the history created and has not completed. */
  openTasks(): HistoryEvent[] {
    const done = new Set(this.history.map(completedTask));
    return this.history.filter((event) => createsTask(event) && !done.has(event.EventId));
  }

  /** Whether the history already has what this event tells. */
  hasSeen(event: HistoryEvent): boolean {
    const task = completedTask(event);
    return this.history.some(
      (past) =>
        (task !== undefined && completedTask(past) === task) ||
        (event.MessageId !== undefined && past.MessageId === event.MessageId),
    );
  }

  /** Calls back once the clock has reached the time, never earlier; at most 24.8 days fit one timeout of Node. */
  wakeAt(time: number, callback: () => void): void {
    const delay = Math.min(Math.max(0, time - Date.now()), 2 ** 31 - 1);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (Date.now() < time) {
        this.wakeAt(time, callback);
      } else {
        callback();
      }
    }, delay);
    this.#timers.add(timer);
  }

  clearTimers(): void {
    for (const timer of this.#timers) {
      clearTimeout(timer);
    }
    this.#timers.clear();
  }
}
