/** Numbers for people: units always, in the browser's own language. */

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });

/** A count with separators. */
export function count(value: number): string {
  return whole.format(value);
}

const byteUnits = ["B", "kB", "MB", "GB", "TB", "PB"] as const;

/** Bytes in powers of 1,000: three significant figures at most, e.g. "214 GB", "1.9 TB". */
export function bytes(value: number): string {
  let unit = 0;
  let scaled = Math.max(0, value);
  while (scaled >= 999.5 && unit < byteUnits.length - 1) {
    scaled /= 1_000;
    unit += 1;
  }
  return `${significant(scaled, unit === 0 ? 0 : 1)} ${byteUnits[unit]}`;
}

/** "1.9 of 2.1 TB": the unit once when both have it. */
export function bytesOf(part: number, total: number): string {
  const [left, right] = [bytes(part), bytes(total)];
  const [leftUnit, rightUnit] = [left.split(" ")[1], right.split(" ")[1]];
  return leftUnit === rightUnit ? `${left.split(" ")[0]} of ${right}` : `${left} of ${right}`;
}

/** Bytes a second, e.g. "412 MB/s". */
export function rate(bytesPerSecond: number): string {
  return `${bytes(bytesPerSecond)}/s`;
}

/** Minutes with one decimal: what latency is told in. */
export function minutes(seconds: number): string {
  const value = seconds / 60;
  return `${new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: value < 0.1 ? 2 : 1 }).format(value)} min`;
}

/** A duration in its two largest units: "2 h 14 m", "1 m 12 s", "6 s", "0.4 s". */
export function duration(seconds: number): string {
  if (seconds > 0 && seconds < 0.1) return `${Math.max(1, Math.round(seconds * 1_000))} ms`;
  if (seconds < 0.95)
    return `${new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 }).format(Math.max(0, seconds))} s`;
  if (seconds < 10 && seconds % 1 !== 0) {
    return `${new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 }).format(seconds)} s`;
  }
  const total = Math.round(seconds);
  const [days, hours, mins, secs] = [
    Math.floor(total / 86_400),
    Math.floor(total / 3_600) % 24,
    Math.floor(total / 60) % 60,
    total % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${mins} m`;
  if (mins > 0) return `${mins} m ${secs} s`;
  return `${secs} s`;
}

/** A whole percentage; 100 only when all is done. */
export function percent(part: number, total: number): number {
  if (total <= 0) return part > 0 ? 100 : 0;
  const value = (100 * part) / total;
  return value >= 100 ? 100 : Math.min(99, Math.floor(value));
}

function significant(value: number, decimals: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? Math.min(1, decimals) : decimals;
  return new Intl.NumberFormat(undefined, { maximumFractionDigits: digits }).format(value);
}
