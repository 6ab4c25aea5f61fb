import { timeSpanToMilliseconds } from "../durations.js";

/**
 * NCRONTAB as timer triggers use it: `{second} {minute} {hour} {day} {month} {day of week}`, five fields without the second, or
 * a TimeSpan (learn.microsoft.com, "Timer trigger for Azure Functions"). Times are UTC.
 */
export interface Schedule {
  /** The first time after `from`. */
  next(from: Date): Date;
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const FIELDS = [
  { name: "second", least: 0, most: 59, names: [] as string[] },
  { name: "minute", least: 0, most: 59, names: [] as string[] },
  { name: "hour", least: 0, most: 23, names: [] as string[] },
  { name: "day", least: 1, most: 31, names: [] as string[] },
  { name: "month", least: 1, most: 12, names: MONTHS },
  { name: "day of week", least: 0, most: 6, names: DAYS },
];

/** @throws Error that names the field that is wrong. */
export function parseSchedule(text: string): Schedule {
  const trimmed = text.trim();
  if (/^[\d.]+:\d/.test(trimmed)) {
    const interval = timeSpanToMilliseconds(trimmed);
    if (interval <= 0) {
      throw new Error(`Schedule "${text}": the interval must be longer than nothing.`);
    }
    return { next: (from) => new Date(from.getTime() + interval) };
  }
  const parts = trimmed.split(/\s+/);
  if (parts.length !== 5 && parts.length !== 6) {
    throw new Error(`Schedule "${text}" has ${parts.length} fields; a schedule has six, second first.`);
  }
  const [seconds, minutes, hours, days, months, weekdays] = (parts.length === 5 ? ["0", ...parts] : parts).map(
    (part, index) => parseField(part, index, text),
  );
  const none = new Set<number>();
  return {
    next: (from) =>
      nextTime(
        from,
        [seconds, minutes, hours, days, months, weekdays].map((set) => set ?? none),
        text,
      ),
  };
}

function nextTime(from: Date, fields: Set<number>[], text: string): Date {
  const [seconds, minutes, hours, days, months, weekdays] = fields;
  const time = new Date(Math.floor(from.getTime() / 1000) * 1000 + 1000);
  const limit = time.getTime() + 8 * 366 * 86_400_000;
  while (time.getTime() < limit) {
    if (!months?.has(time.getUTCMonth() + 1)) {
      time.setUTCMonth(time.getUTCMonth() + 1, 1);
      time.setUTCHours(0, 0, 0);
    } else if (!days?.has(time.getUTCDate()) || !weekdays?.has(time.getUTCDay())) {
      time.setUTCDate(time.getUTCDate() + 1);
      time.setUTCHours(0, 0, 0);
    } else if (!hours?.has(time.getUTCHours())) {
      time.setUTCHours(time.getUTCHours() + 1, 0, 0);
    } else if (!minutes?.has(time.getUTCMinutes())) {
      time.setUTCMinutes(time.getUTCMinutes() + 1, 0);
    } else if (!seconds?.has(time.getUTCSeconds())) {
      time.setUTCSeconds(time.getUTCSeconds() + 1);
    } else {
      return time;
    }
  }
  throw new Error(`Schedule "${text}" never occurs.`);
}

function parseField(part: string, index: number, text: string): Set<number> {
  const field = FIELDS[index];
  if (field === undefined) {
    throw new Error(`Schedule "${text}" has too many fields.`);
  }
  const values = new Set<number>();
  for (const item of part.split(",")) {
    const match = /^(\*|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(item);
    if (match === null) {
      throw new Error(`Schedule "${text}": "${item}" is not a ${field.name}.`);
    }
    const [, first = "", last, step = "1"] = match;
    const value = (word: string): number => {
      const byName = field.names.indexOf(word.slice(0, 3).toLowerCase());
      const result = /^\d+$/.test(word) ? Number(word) : byName < 0 ? Number.NaN : byName + field.least;
      // Sunday is 0 and 7.
      const normal = field.name === "day of week" && result === 7 ? 0 : result;
      if (!(normal >= field.least && normal <= field.most)) {
        throw new Error(`Schedule "${text}": "${word}" is not a ${field.name} (${field.least} to ${field.most}).`);
      }
      return normal;
    };
    const from = first === "*" ? field.least : value(first);
    const to = last !== undefined ? value(last) : first === "*" || match[3] !== undefined ? field.most : from;
    if (from > to || Number(step) < 1) {
      throw new Error(`Schedule "${text}": "${item}" is not a range of ${field.name}s.`);
    }
    for (let current = from; current <= to; current += Number(step)) {
      values.add(current);
    }
  }
  return values;
}
