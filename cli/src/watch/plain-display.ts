/** A line at a time: for a log file, a pipe, or a terminal that cannot be redrawn. */
import { duration, shortDuration, size } from "../quantities.js";
import type { Display } from "./display.js";
import type { DatabaseView, MigrationView } from "./progress.js";

// A state is told at once, numbers not more often than this.
const numbersEveryMilliseconds = 10_000;

export class PlainDisplay implements Display {
  readonly #out: NodeJS.WritableStream;
  readonly #said = new Map<string, { what: string; at: number }>();

  constructor(out: NodeJS.WritableStream) {
    this.#out = out;
  }

  show(view: MigrationView): void {
    const substate = view.substate === "" ? "" : ` / ${view.substate}`;
    this.#sayOnce("", `${view.state}${substate}`, `${view.name}: ${view.state}${substate}`);
    for (const one of view.databases) {
      if (one.state !== "" || one.tables > 0) this.#sayOnce(one.database, whatOf(one), lineOf(one), one.ended);
    }
  }

  say(line: string): void {
    this.#out.write(`${new Date().toISOString()}  ${line}\n`);
  }

  close(): void {}

  /** Says a line when what it is about has changed, or when its numbers are old. */
  #sayOnce(subject: string, what: string, line: string, final = true): void {
    const before = this.#said.get(subject);
    const old = before === undefined || Date.now() - before.at >= numbersEveryMilliseconds;
    if (before?.what === what && (final || !old)) return;
    this.#said.set(subject, { what, at: Date.now() });
    this.say(line);
  }
}

/** What makes a line worth saying at once: the step, not the numbers. */
function whatOf(one: DatabaseView): string {
  return JSON.stringify([one.state, one.step, one.tablesErrored, one.ended]);
}

function lineOf(one: DatabaseView): string {
  const parts = [
    `${Math.floor(one.share * 100)}%`,
    `${one.tablesCompleted}/${one.tables} tables`,
    ...(one.tablesErrored > 0 ? [`${one.tablesErrored} errored`] : []),
    size(one.bytes),
    `${size(one.bytesPerSecond)}/s`,
    ...(one.remainingMilliseconds === undefined ? [] : [`ETA ${shortDuration(one.remainingMilliseconds)}`]),
    ...(one.latencySeconds === undefined || one.ended ? [] : [`lag ${shortDuration(one.latencySeconds * 1_000)}`]),
    duration(one.elapsedMilliseconds),
  ];
  return `${one.database}: ${one.step}, ${parts.join(", ")}`;
}
