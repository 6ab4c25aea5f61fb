/** A history of one orchestration as the Durable engine kept it, in a file beside this one. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { HistoryEvent } from "../../emulator/src/durable/history-event.js";
import type { TaskLimits } from "../../emulator/src/durable/replay.js";
import { repositoryRoot } from "../../local/repository-root.js";

export interface RecordedHistory {
  readonly orchestration: string;
  readonly instanceId: string;
  /** JSON. */
  readonly input: string;
  readonly parent?: string;
  readonly limits: TaskLimits;
  readonly events: readonly HistoryEvent[];
}

const folder = join(repositoryRoot, "test/histories/recorded");

/** Writes the histories of one scenario, an event a line. */
export async function saveHistories(scenario: string, histories: readonly RecordedHistory[]): Promise<void> {
  const texts = histories.map(({ events, ...head }) => {
    const lines = events.map((event) => `    ${JSON.stringify(event)}`);
    return `  ${JSON.stringify(head).slice(0, -1)},"events":[\n${lines.join(",\n")}\n  ]}`;
  });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${scenario}.json`), `[\n${texts.join(",\n")}\n]\n`);
}

/** Every recorded history, by scenario. */
export async function loadHistories(): Promise<ReadonlyMap<string, readonly RecordedHistory[]>> {
  const files = (await readdir(folder)).filter((name) => name.endsWith(".json")).sort();
  const loaded = files.map(async (name): Promise<[string, RecordedHistory[]]> => {
    return [name.slice(0, -".json".length), JSON.parse(await readFile(join(folder, name), "utf8"))];
  });
  return new Map(await Promise.all(loaded));
}
