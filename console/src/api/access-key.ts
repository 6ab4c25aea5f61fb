/** The function key: asked for once, kept for this tab's session only, forgotten as soon as the service refuses it. */
import { useSyncExternalStore } from "react";

const storageKey = "functions-key";
const listeners = new Set<() => void>();

/** "unneeded" until the service has answered 401. */
type Need = "unneeded" | "wanted" | "refused";
let need: Need = "unneeded";

function tell(next: Need): void {
  need = next;
  for (const listener of listeners) listener();
}

export function accessKey(): string | undefined {
  return sessionStorage.getItem(storageKey) ?? undefined;
}

export function keepAccessKey(key: string): void {
  sessionStorage.setItem(storageKey, key);
  tell("unneeded");
}

/** @param used the key that the refused call was sent with: a newer one, entered meanwhile, stays. */
export function refuseAccessKey(used: string | undefined): void {
  if (used !== accessKey()) return;
  sessionStorage.removeItem(storageKey);
  tell(used === undefined ? (need === "refused" ? "refused" : "wanted") : "refused");
}

export function useAccessKeyNeed(): Need {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => need,
  );
}
