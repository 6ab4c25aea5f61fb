import { Link as FluentLink, type LinkProps } from "@fluentui/react-components";
import type { MouseEvent } from "react";
import { go } from "../navigation/location.js";

/** Whether a click means "here", not another tab or window. */
export function isPlainClick(event: MouseEvent): boolean {
  return event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
}

/** A link to a page of the console: it goes there without loading anew. */
export function Link({ href, onClick, ...rest }: LinkProps & { href: string }) {
  return (
    <FluentLink
      {...(rest as object)}
      href={href}
      onClick={(event: MouseEvent<HTMLAnchorElement>) => {
        (onClick as ((event: MouseEvent<HTMLAnchorElement>) => void) | undefined)?.(event);
        if (!isPlainClick(event) || event.defaultPrevented) return;
        event.preventDefault();
        go(href);
      }}
    />
  );
}
