/** Comparing what a server parameter still leaves with what the migration's databases need, one each. */
import { runOn } from "./corrective-action.js";
import type { RuleFinding } from "./rule.js";

export interface Capacity {
  readonly side: "source" | "target";
  readonly parameter: string;
  /** What the parameter is set to. */
  readonly limit: number;
  /** How many of that are taken. */
  readonly used: number;
  readonly needed: number;
  /** What is counted, for people: "replication slots". */
  readonly what: string;
}

/** Failed when there are too few, with the value that the parameter needs; information otherwise. Changing any of these takes a restart. */
export function spareCapacity({ side, parameter, limit, used, needed, what }: Capacity): RuleFinding {
  const free = Math.max(0, limit - used);
  if (free >= needed) {
    return { state: "Succeeded", message: `The ${side} has ${free} free ${what}, the migration needs ${needed}.` };
  }
  const wanted = used + needed;
  return {
    state: "Failed",
    message:
      `The ${side} has ${free} free ${what} (${parameter} is ${limit}, ${used} are in use), the migration needs ${needed}, one a database. ` +
      `Set the server parameter ${parameter} to at least ${wanted} and restart the server.` +
      runOn(side, [`ALTER SYSTEM SET ${parameter} = ${wanted};`]),
  };
}
