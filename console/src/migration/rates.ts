/** How fast a database is, and when it will be done, from its samples. */
import type { Sample } from "../api/resources.js";

/** What is averaged over: short enough to show a change, long enough not to flicker. */
const windowMs = 30_000;

export interface Point {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly value: number;
}

/** Bytes a second over the last half minute; undefined as long as there are not two samples. */
export function rateOf(samples: readonly Sample[]): number | undefined {
  const copied = samples.filter(({ bytesCopied }) => bytesCopied !== undefined);
  const last = copied.at(-1);
  if (last === undefined) return undefined;
  const end = Date.parse(last.time);
  const first = copied.find(({ time }) => Date.parse(time) >= end - windowMs);
  if (first === undefined || first === last) return undefined;
  const seconds = (end - Date.parse(first.time)) / 1_000;
  return Math.max(0, ((last.bytesCopied ?? 0) - (first.bytesCopied ?? 0)) / seconds);
}

/** Bytes a second over time, all databases together: the growth between samples, laid over even spans. */
export function throughput(samples: readonly Sample[], points = 60): Point[] {
  const byDatabase = groupBy(samples);
  const times = samples.filter(({ bytesCopied }) => bytesCopied !== undefined).map(({ time }) => Date.parse(time));
  const [from, to] = [Math.min(...times), Math.max(...times)];
  if (times.length < 2 || to <= from) return [];
  const span = Math.max(5_000, (to - from) / points);
  const buckets = new Array<number>(Math.ceil((to - from) / span)).fill(0);
  for (const list of byDatabase.values()) {
    list.forEach((sample, index) => {
      const before = list[index - 1];
      if (before?.bytesCopied === undefined || sample.bytesCopied === undefined) return;
      const growth = Math.max(0, sample.bytesCopied - before.bytesCopied);
      const [start, end] = [Date.parse(before.time) - from, Date.parse(sample.time) - from];
      // A growth that spans several buckets belongs to each in part.
      for (let bucket = Math.floor(start / span); bucket * span < end && bucket < buckets.length; bucket++) {
        const overlap = Math.min(end, (bucket + 1) * span) - Math.max(start, bucket * span);
        buckets[bucket] = (buckets[bucket] ?? 0) + (growth * overlap) / (end - start);
      }
    });
  }
  return buckets.map((bytes, index) => ({ at: from + (index + 0.5) * span, value: (bytes * 1_000) / span }));
}

/** The latency of the database that is furthest behind, over time, in minutes. */
export function latencyOver(samples: readonly Sample[]): Point[] {
  const worst = new Map<number, number>();
  for (const { time, latencySeconds } of samples) {
    if (latencySeconds === undefined) continue;
    const at = Math.floor(Date.parse(time) / 5_000) * 5_000;
    worst.set(at, Math.max(worst.get(at) ?? 0, latencySeconds / 60));
  }
  return [...worst].sort(([one], [other]) => one - other).map(([at, value]) => ({ at, value }));
}

/** When the target last confirmed something new, as far as the samples tell. */
export function lastApplied(samples: readonly Sample[]): string | undefined {
  for (let index = samples.length - 1; index > 0; index--) {
    if ((samples[index]?.appliedChanges ?? 0) > (samples[index - 1]?.appliedChanges ?? 0)) return samples[index]?.time;
  }
  return undefined;
}

function groupBy(samples: readonly Sample[]): Map<string, Sample[]> {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const group = groups.get(sample.database) ?? [];
    group.push(sample);
    groups.set(sample.database, group);
  }
  return groups;
}
