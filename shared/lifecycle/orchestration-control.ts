/** What the end of a migration needs of Durable when its own orchestration cannot bring it about: the triggers supply it. */

/** What Durable knows of an orchestration. */
export type OrchestrationState =
  /** It runs, or will: pending and suspended ones too. */
  | { readonly kind: "active" }
  /** It has completed, failed or been terminated; `how` says so, with its own words. */
  | { readonly kind: "ended"; readonly how: string }
  /** There is none of this instance ID: never started, or purged. */
  | { readonly kind: "missing" };

export interface OrchestrationControl {
  stateOf(instanceId: string): Promise<OrchestrationState>;
  /** Instance IDs of the active orchestrations that a root one has started, and those in turn: theirs begin with its own. */
  activeBelow(rootId: string): Promise<string[]>;
  /** Ends an orchestration; one that has ended already stays so. What it started goes on. */
  terminate(instanceId: string, reason: string): Promise<void>;
  /** Forgets the histories of an orchestration and of those that it has started, as far as they have ended. */
  purge(rootId: string, since: Date, until: Date): Promise<void>;
}

/** The orchestration that tries a migration's refused statements again; `transition` is the number of its first transition. */
export function retryInstanceId(key: string, transition: number): string {
  return `${key}:statements:${transition}`;
}
