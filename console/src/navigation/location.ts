/** Where the console is served, where it is now, and how it goes elsewhere: the browser's own history, nothing more. */
import { useSyncExternalStore } from "react";

const written = document.querySelector('meta[name="console-root"]')?.getAttribute("content") ?? "./";

/** The address of `console/`, e.g. https://app/api/console/. */
export const consoleRoot = new URL(written, location.href);

/** The address that the API's routes are under. */
export const apiRoot = new URL("../", consoleRoot);

const moved = "console:moved";

export interface Place {
  /** Below the console's root, e.g. ["servers", "…", "orders"], decoded. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
}

function subscribe(listener: () => void): () => void {
  addEventListener("popstate", listener);
  addEventListener(moved, listener);
  return () => {
    removeEventListener("popstate", listener);
    removeEventListener(moved, listener);
  };
}

let seen = "";
let place: Place = { segments: [], query: new URLSearchParams() };

function currentPlace(): Place {
  if (seen !== location.href) {
    seen = location.href;
    const path = location.pathname.slice(consoleRoot.pathname.length);
    place = {
      segments: path
        .split("/")
        .filter((segment) => segment !== "")
        .map(decode),
      query: new URLSearchParams(location.search),
    };
  }
  return place;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    // A stray percent sign in an address that somebody typed: it will be found to name nothing.
    return segment;
  }
}

export function usePlace(): Place {
  return useSyncExternalStore(subscribe, currentPlace);
}

/** The address of a place below the console's root. */
export function hrefOf(segments: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): string {
  const url = new URL(segments.map(encodeURIComponent).join("/"), consoleRoot);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== "") url.searchParams.set(name, value);
  return url.pathname + url.search;
}

/** Goes to an address of the console; `replace` leaves no step to come back to. */
export function go(href: string, { replace = false, keepScroll = false } = {}): void {
  if (replace) history.replaceState(null, "", href);
  else history.pushState(null, "", href);
  dispatchEvent(new Event(moved));
  if (!keepScroll) scrollTo(0, 0);
}
