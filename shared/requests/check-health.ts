/** Whether the service can do its work: what load balancers, availability tests and people look at. */
import { type JanitorRound, lastJanitorRound } from "../status/janitor-rounds.js";
import { queueDepth } from "../status/queues.js";

export interface Health {
  readonly status: "Healthy" | "Unhealthy";
  readonly storage: { readonly reachable: boolean; readonly milliseconds: number };
  /** Messages that wait; undefined when nobody can tell. More than a few mean that no instance takes them. */
  readonly queues: { readonly commandsWaiting: number | undefined; readonly commandsRefused: number | undefined };
  /** The janitor's last round; undefined before the first. One that is minutes old means that no instance runs timers. */
  readonly janitor: JanitorRound | undefined;
}

// A probe gives up sooner than a storage client does.
const limitMilliseconds = 5_000;

/** Never throws: a service without its storage account is an answer. Nothing in it names an account, a server or a migration. */
export async function checkHealth(): Promise<Health> {
  const began = Date.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("late")), limitMilliseconds);
  });
  try {
    const [commandsWaiting, commandsRefused, janitor] = await Promise.race([
      Promise.all([queueDepth("migration-commands"), queueDepth("migration-commands-poison"), lastJanitorRound()]),
      late,
    ]);
    return {
      status: "Healthy",
      storage: { reachable: true, milliseconds: Date.now() - began },
      queues: { commandsWaiting, commandsRefused },
      janitor,
    };
  } catch {
    return {
      status: "Unhealthy",
      storage: { reachable: false, milliseconds: Date.now() - began },
      queues: { commandsWaiting: undefined, commandsRefused: undefined },
      janitor: undefined,
    };
  } finally {
    clearTimeout(timer);
  }
}
