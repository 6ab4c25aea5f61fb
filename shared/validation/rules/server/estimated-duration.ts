/** About how long the copy will take, and whether its window is long enough. */
import { settings } from "../../../settings.js";
import { totalBytes } from "../../database-sizes.js";
import { inBytes, inTime } from "../../quantities.js";
import type { ServerRule } from "../../rule.js";

/** Bytes of a database, its indexes included, that one stream moves a second: half of what was measured on one machine, for there is a network. */
const bytesPerSecond = 20 * 1024 ** 2;

/** Streams that a server of ordinary size makes use of. */
const usefulStreams = 8;

export const rule: ServerRule = {
  id: "estimated-duration",
  title: "Estimated duration of the copy",
  scope: "server",
  modes: ["Offline", "Online"],
  remedy: "Widen the migration window, raise `MAX_PARALLEL_COPIES`, or migrate fewer databases at once.",
  check: async ({ spec, source }) => {
    const { maxParallelCopies, migrationTimeoutDays } = settings();
    const bytes = await totalBytes(source, spec.databases);
    const streams = Math.min(usefulStreams, spec.databases.length * maxParallelCopies);
    const seconds = Math.max(1, bytes / (bytesPerSecond * streams));
    const estimate = `${inBytes(bytes)} in ${streams} streams take about ${inTime(seconds)}, by the network and the target's cores and disks more or less`;
    const limit = windowSeconds(spec) ?? migrationTimeoutDays * 24 * 3_600;
    if (seconds <= limit) return [{ state: "Succeeded", message: `${estimate}.` }];
    const limitName =
      windowSeconds(spec) === undefined
        ? "MIGRATION_TIMEOUT_DAYS"
        : "the window from migrationWindowStartTimeInUtc to migrationWindowEndTimeInUtc";
    return [
      {
        state: "Warning",
        message: `${estimate}: that is longer than ${limitName} (${inTime(limit)}). Widen it, raise MAX_PARALLEL_COPIES (${maxParallelCopies}), or migrate fewer databases at once.`,
      },
    ];
  },
};

interface Window {
  readonly migrationWindowStartTimeInUtc?: string | undefined;
  readonly migrationWindowEndTimeInUtc?: string | undefined;
}

function windowSeconds({ migrationWindowStartTimeInUtc: start, migrationWindowEndTimeInUtc: end }: Window) {
  if (start === undefined || end === undefined) return undefined;
  return (new Date(end).getTime() - new Date(start).getTime()) / 1_000;
}
