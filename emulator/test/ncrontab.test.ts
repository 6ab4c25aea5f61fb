import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseSchedule } from "../src/triggers/ncrontab.js";

const next = (schedule: string, from: string) => parseSchedule(schedule).next(new Date(from)).toISOString();

describe("a timer's schedule", () => {
  test.each([
    ["* * * * * *", "2026-01-01T00:00:00.500Z", "2026-01-01T00:00:01.000Z"],
    ["0 */5 * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:05:00.000Z"],
    ["*/5 * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:05:00.000Z"],
    ["0 0 9-17 * * MON-FRI", "2026-01-02T17:00:00Z", "2026-01-05T09:00:00.000Z"],
    ["0 30 9 1 Jan *", "2026-06-01T00:00:00Z", "2027-01-01T09:30:00.000Z"],
    ["0 0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00.000Z"],
    ["0 0 0 * * 7", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00.000Z"],
    ["15,45 0 0 31 * *", "2026-01-31T00:00:15Z", "2026-01-31T00:00:45.000Z"],
    ["00:00:10", "2026-01-01T00:00:00Z", "2026-01-01T00:00:10.000Z"],
  ])("%s after %s is %s", (schedule, from, expected) => {
    expect(next(schedule, from)).toBe(expected);
  });

  test("the next time is later, and comes again when asked from just before", () => {
    const field = (least: number, most: number) =>
      fc.oneof(
        fc.constant("*"),
        fc.integer({ min: least, max: most }).map(String),
        fc.integer({ min: 1, max: 20 }).map((step) => `*/${step}`),
      );
    const schedules = fc.tuple(field(0, 59), field(0, 59), field(0, 23), fc.constant("*"), field(1, 12), field(0, 6));
    const times = fc.date({ min: new Date("2020-01-01"), max: new Date("2040-01-01"), noInvalidDate: true });
    fc.assert(
      fc.property(schedules, times, (fields, from) => {
        const schedule = parseSchedule(fields.join(" "));
        const time = schedule.next(from);
        expect(time.getTime()).toBeGreaterThan(from.getTime());
        expect(schedule.next(new Date(time.getTime() - 1))).toEqual(time);
      }),
    );
  });

  test.each(["", "* * *", "60 * * * * *", "* * * * * MOON", "5-1 * * * * *", "*/0 * * * * *", "00:00:00"])(
    "%j is refused",
    (text) => {
      expect(() => parseSchedule(text)).toThrow(`Schedule "${text}"`);
    },
  );

  test("one that never comes is refused when it is first asked for", () => {
    expect(() => parseSchedule("0 0 0 31 2 *").next(new Date())).toThrow("never occurs");
  });
});
