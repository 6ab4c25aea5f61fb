/** Times for people: local, and in UTC for the tooltip. */

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const clockWithSeconds = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const dayAndYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });

/** "today 01:12", "yesterday 23:50", "3 Nov 08:00", with the year where it is another one. */
export function localTime(iso: string, words: { today: string; yesterday: string }, seconds = false): string {
  const date = new Date(iso);
  const now = new Date();
  const time = (seconds ? clockWithSeconds : clock).format(date);
  const days = Math.round((startOfDay(now) - startOfDay(date)) / 86_400_000);
  if (days === 0) return `${words.today} ${time}`;
  if (days === 1) return `${words.yesterday} ${time}`;
  return `${(date.getFullYear() === now.getFullYear() ? day : dayAndYear).format(date)} ${time}`;
}

/** "2026-11-03 08:00:12 UTC" */
export function utcTime(iso: string): string {
  return `${new Date(iso).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** Seconds between two times; to now when the second is missing. */
export function secondsBetween(from: string, to: string | undefined): number {
  return Math.max(0, ((to === undefined ? Date.now() : Date.parse(to)) - Date.parse(from)) / 1_000);
}

function startOfDay(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
