/** Quantities for people. */

const units = ["bytes", "kB", "MB", "GB", "TB"];

/** 1536 is "1.5 kB". */
export function inBytes(bytes: number): string {
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log(bytes) / Math.log(1024)));
  return `${Number((bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1))} ${units[power]}`;
}

/** 5400 is "1.5 hours". */
export function inTime(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} seconds`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} minutes`;
  return `${Number((seconds / 3_600).toFixed(1))} hours`;
}
