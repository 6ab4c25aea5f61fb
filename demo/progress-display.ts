import type { DatabaseView, MigrationView } from "./progress.js";
import { megabytes, seconds } from "./quantities.js";
import type { Terminal } from "./terminal.js";

const widestBar = 20;
// What a line needs beside its bar and its name.
const widthOfNumbers = 86;
const plainEveryMilliseconds = 2_000;

/** One live line a database on a terminal; elsewhere a line whenever a database's counts have changed, at most every 2 s. */
export class ProgressDisplay {
  readonly #terminal: Terminal;
  readonly #began = Date.now();
  readonly #said = new Map<string, { what: string; at: number }>();

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(view: MigrationView): void {
    if (this.#terminal.live) this.#terminal.redraw(this.#liveLines(view));
    else this.#plainLines(view);
  }

  #liveLines(view: MigrationView): string[] {
    const { bold, dim, good, bad } = this.#terminal;
    const width = Math.max(...view.databases.map(({ database }) => database.length));
    const barWidth = Math.max(0, Math.min(widestBar, this.#terminal.columns - width - widthOfNumbers));
    const lines = view.databases.map((one) => {
      const filled = Math.round(Math.min(one.share, 1) * barWidth);
      const bar = good("━".repeat(filled)) + dim("━".repeat(barWidth - filled));
      const errored = one.errored > 0 ? bad(`${one.errored} errored`) : `${one.errored} errored`;
      return [
        `  ${bold(one.database.padEnd(width))}  ${bar}`,
        `${String(one.copied).padStart(3)} copied ${String(one.copying).padStart(2)} copying ${String(one.queued).padStart(3)} queued ${errored}`,
        `${megabytes(one.bytes).padStart(6)} MB ${megabytes(one.rate).padStart(5)} MB/s`,
        `${seconds(one.elapsedMilliseconds).padStart(5)} s  ${dim(one.activity)}`,
      ].join("  ");
    });
    const clock = seconds(Date.now() - this.#began);
    return [`  ${dim(`${view.state} / ${view.substate}, ${clock} s`)}`, ...lines];
  }

  #plainLines(view: MigrationView): void {
    this.#sayOnChange("", `${view.state} / ${view.substate}`, "", true);
    for (const one of view.databases) {
      const counts = countsOf(one);
      const moved = `${megabytes(one.bytes)} MB, ${megabytes(one.rate)} MB/s, ${seconds(one.elapsedMilliseconds)} s`;
      this.#sayOnChange(one.database, counts, `, ${moved}`, one.ended);
    }
  }

  #sayOnChange(subject: string, what: string, rest: string, atOnce: boolean): void {
    const now = Date.now();
    const before = this.#said.get(subject);
    const changed = before?.what !== what;
    const due = before === undefined || now - before.at >= plainEveryMilliseconds;
    if (!(changed && (due || atOnce)) && !(due && rest !== "" && !atOnce)) return;
    this.#said.set(subject, { what, at: now });
    const clock = seconds(now - this.#began).padStart(6);
    this.#terminal.print(`  ${clock} s  ${subject === "" ? "" : `${subject}: `}${what}${rest}`);
  }
}

function countsOf(one: DatabaseView): string {
  const activity = one.activity === "" ? "" : ` (${one.activity})`;
  return `${one.copied} tables copied, ${one.copying} copying, ${one.queued} queued, ${one.errored} errored${activity}`;
}
