import type { LogThreshold } from "./host-json.js";
import type { LogLevel } from "./worker/protocol.js";

const ORDER: Record<LogThreshold, number> = {
  trace: 0,
  debug: 1,
  information: 2,
  warning: 3,
  error: 4,
  critical: 5,
  none: 6,
};

const LABEL: Record<LogLevel, string> = {
  trace: "trce",
  debug: "dbug",
  information: "info",
  warning: "warn",
  error: "fail",
  critical: "crit",
};

/** Writes one line an event to standard output, filtered by category as host.json's logging.logLevel says. */
export class Log {
  readonly #levels: [prefix: string, level: LogThreshold][];
  readonly #fallback: LogThreshold;

  /** @param verbose also write debug lines, whatever host.json says */
  constructor(levels: Record<string, LogThreshold>, verbose: boolean) {
    const { default: fallback = "information", ...categories } = levels;
    this.#fallback = verbose ? "debug" : fallback;
    // The longest prefix decides.
    this.#levels = verbose ? [] : Object.entries(categories).sort(([a], [b]) => b.length - a.length);
  }

  write(level: LogLevel, category: string, message: string, instance = "host"): void {
    const threshold = this.#levels.find(([prefix]) => category.startsWith(prefix))?.[1] ?? this.#fallback;
    if (ORDER[level] < ORDER[threshold]) {
      return;
    }
    const time = new Date().toISOString().slice(11, 23);
    process.stdout.write(`${time} ${LABEL[level]} [${instance}] ${category}: ${message}\n`);
  }

  info(category: string, message: string): void {
    this.write("information", category, message);
  }

  warn(category: string, message: string): void {
    this.write("warning", category, message);
  }

  error(category: string, message: string): void {
    this.write("error", category, message);
  }

  debug(category: string, message: string): void {
    this.write("debug", category, message);
  }
}
