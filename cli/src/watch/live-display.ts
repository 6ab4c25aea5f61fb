/** One line a database, redrawn in place: for a terminal. */
import { MultiBar, type SingleBar } from "cli-progress";
import { duration, shortDuration, size } from "../quantities.js";
import type { Display } from "./display.js";
import type { DatabaseView, MigrationView } from "./progress.js";

// What a line needs beside its bar and its name.
const widthOfNumbers = 84;
const widestBar = 30;
const wrapOn = "\x1b[?7h";
const wrapOff = "\x1b[?7l";

export class LiveDisplay implements Display {
  readonly #bars: MultiBar;
  readonly #byDatabase = new Map<string, SingleBar>();
  readonly #began = Date.now();
  #heading: SingleBar | undefined;

  constructor(out: NodeJS.WriteStream) {
    this.#bars = new MultiBar({
      format: "{heading}",
      stream: out,
      hideCursor: true,
      // Ctrl-C and the end are ours: its own handlers would swallow SIGTERM.
      gracefulExit: false,
      clearOnComplete: false,
      stopOnComplete: false,
      linewrap: false,
      autopadding: false,
      // The values come with every look at the service; between two looks nothing changes.
      fps: 4,
      barsize: Math.max(4, Math.min(widestBar, (out.columns ?? 80) - widthOfNumbers)),
      barCompleteChar: "━",
      barIncompleteChar: "─",
    });
  }

  show(view: MigrationView): void {
    const substate = view.substate === "" ? "" : ` / ${view.substate}`;
    const heading = { heading: `${view.name}: ${view.state}${substate}, ${duration(Date.now() - this.#began)}` };
    if (this.#heading === undefined) this.#heading = this.#bars.create(1, 0, heading);
    else this.#heading.update(0, heading);
    const width = Math.max(...view.databases.map(({ database }) => [...database].length), 0);
    for (const one of view.databases) {
      const values = valuesOf(one, width);
      const bar = this.#byDatabase.get(one.database);
      if (bar !== undefined) bar.update(Math.round(one.share * 1_000), values);
      else {
        const format = "  {name}  {bar} {share}  {tables}  {moved}  {rate}  {rest}  {step}";
        const created = this.#bars.create(1_000, Math.round(one.share * 1_000), values, { format });
        this.#byDatabase.set(one.database, created);
      }
    }
  }

  say(line: string): void {
    // Bars must not wrap, what is said must: its end is often the remedy.
    this.#bars.log(`${wrapOn}${line}${wrapOff}\n`);
    this.#bars.update();
  }

  close(): void {
    this.#bars.update();
    this.#bars.stop();
  }
}

function valuesOf(one: DatabaseView, width: number): Record<string, string> {
  return {
    name: one.database.padEnd(width),
    share: `${Math.floor(one.share * 100)}%`.padStart(4),
    tables: `${one.tablesCompleted}/${one.tables} tables${one.tablesErrored > 0 ? `, ${one.tablesErrored} errored` : ""}`,
    moved: size(one.bytes).padStart(8),
    rate: `${size(one.bytesPerSecond)}/s`.padStart(10),
    rest: restOf(one).padEnd(11),
    step: one.step,
  };
}

/** How long the copy will take, how far an online migration is behind, or how long the whole took. */
function restOf(one: DatabaseView): string {
  if (one.ended) return `in ${shortDuration(one.elapsedMilliseconds)}`;
  if (one.share >= 1 && one.latencySeconds !== undefined) return `lag ${shortDuration(one.latencySeconds * 1_000)}`;
  return `ETA ${one.remainingMilliseconds === undefined ? "-" : shortDuration(one.remainingMilliseconds)}`;
}
