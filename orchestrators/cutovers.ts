/** How far the databases of a migration are on their way to the cutover, or to being cancelled, and what that makes of the migration's substate. */
import type { MigrationState, MigrationSubstate } from "../shared/model/states.js";

export interface NextState {
  readonly state: MigrationState;
  readonly substate: MigrationSubstate;
}

export class Cutovers {
  /** Those that nobody has asked to cut over, and that have not ended. */
  readonly #following: Set<string>;
  readonly #caughtUp = new Set<string>();
  readonly #cuttingOver = new Set<string>();
  readonly #canceling = new Set<string>();
  /** How many cutovers of each database are known to have failed. */
  readonly #failures = new Map<string, number>();
  #phase: "copying" | "canceling" | "waiting" | "completing" = "copying";

  constructor(databases: readonly string[]) {
    this.#following = new Set(databases);
  }

  get following(): readonly string[] {
    return [...this.#following];
  }

  /** Cutovers that have failed. */
  get failures(): number {
    return [...this.#failures.values()].reduce((sum, failures) => sum + failures, 0);
  }

  caughtUp(databases: readonly string[]): void {
    for (const database of databases) this.#caughtUp.add(database);
  }

  ended(database: string): void {
    this.#following.delete(database);
    this.#cuttingOver.delete(database);
    this.#canceling.delete(database);
  }

  /** A cancel puts the migration into a substate of its own until the databases have ended: what it is in afterwards has to be told again. */
  cancel(databases: readonly string[]): void {
    for (const database of databases) this.#canceling.add(database);
    this.#phase = "canceling";
  }

  /** Those of the databases that can cut over now, and have not been asked to before. Events may be raised by hand, at any time. */
  request(databases: readonly string[]): readonly string[] {
    const chosen = databases.filter((database) => this.#following.has(database) && this.#caughtUp.has(database));
    if (this.#phase !== "waiting") return [];
    for (const database of chosen) {
      this.#following.delete(database);
      this.#cuttingOver.add(database);
    }
    return chosen;
  }

  /** A cutover has failed: the database follows again, and can be asked anew. @param failures how many of its cutovers have */
  resumed(database: string, failures: number): void {
    if ((this.#failures.get(database) ?? 0) >= failures || !this.#cuttingOver.delete(database)) return;
    this.#failures.set(database, failures);
    this.#following.add(database);
  }

  /**
   * The state to enter, when there is a new one: waiting when every database that is left has caught up, completing when none is left to ask for, and
   * copying again when a cancel is over before that.
   */
  next(): NextState | undefined {
    if (this.#canceling.size > 0) return undefined;
    const waiting = this.#following.size > 0 && [...this.#following].every((database) => this.#caughtUp.has(database));
    const completing = this.#following.size === 0 && this.#cuttingOver.size > 0;
    if (waiting && this.#phase !== "waiting") {
      this.#phase = "waiting";
      return { state: "WaitingForUserAction", substate: "WaitingForCutoverTrigger" };
    }
    if (completing && this.#phase !== "completing") {
      this.#phase = "completing";
      return { state: "InProgress", substate: "CompletingMigration" };
    }
    if (this.#phase === "canceling" && this.#following.size > 0) {
      this.#phase = "copying";
      return { state: "InProgress", substate: "MigratingData" };
    }
    return undefined;
  }
}
