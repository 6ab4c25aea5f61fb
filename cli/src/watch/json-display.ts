/** One JSON object a line, whenever something has changed: for scripts. */
import type { Display } from "./display.js";
import type { MigrationView } from "./progress.js";

export class JsonDisplay implements Display {
  readonly #out: NodeJS.WritableStream;
  #last = "";

  constructor(out: NodeJS.WritableStream) {
    this.#out = out;
  }

  show(view: MigrationView): void {
    // The clock and what is derived from it change with every look.
    const lasting = view.databases.map(
      ({ elapsedMilliseconds: _, remainingMilliseconds: __, bytesPerSecond: ___, ...rest }) => rest,
    );
    const what = JSON.stringify({ ...view, databases: lasting });
    if (what === this.#last) return;
    this.#last = what;
    this.#write({ time: new Date().toISOString(), ...view });
  }

  say(line: string): void {
    this.#write({ time: new Date().toISOString(), note: line });
  }

  close(): void {}

  #write(value: unknown): void {
    this.#out.write(`${JSON.stringify(value)}\n`);
  }
}
