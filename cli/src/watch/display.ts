import type { MigrationView } from "./progress.js";

/** How a watched migration is shown: lines that are redrawn, lines that follow each other, or JSON lines. */
export interface Display {
  show(view: MigrationView): void;
  /** Something that is no progress: what is waited for, or that the service is away. */
  say(line: string): void;
  /** Leaves the terminal in order. */
  close(): void;
}
