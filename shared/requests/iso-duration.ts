/** Durations as ARM writes them: ISO 8601, without years and months, whose length nobody knows. */

/** From one time to another (ISO 8601, UTC), in whole seconds, e.g. "PT2H14M6S"; "PT0S" when the second is not later. */
export function isoDuration(from: string, to: string): string {
  const seconds = Math.max(0, Math.floor((Date.parse(to) - Date.parse(from)) / 1_000));
  const part = (amount: number, unit: string) => (amount === 0 ? "" : `${amount}${unit}`);
  const date = part(Math.floor(seconds / 86_400), "D");
  const time =
    part(Math.floor(seconds / 3_600) % 24, "H") + part(Math.floor(seconds / 60) % 60, "M") + part(seconds % 60, "S");
  if (date === "" && time === "") return "PT0S";
  return `P${date}${time === "" ? "" : `T${time}`}`;
}
