/**
 * A .NET TimeSpan (`[d.]hh:mm[:ss[.fff]]`, or a number of seconds) in milliseconds.
 * @throws Error when the text is not one.
 */
export function timeSpanToMilliseconds(text: string): number {
  const match = /^(?:(\d+)\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(\.\d+)?)?$/.exec(text.trim());
  if (match === null) {
    throw new Error(`"${text}" is not a time span such as "00:05:00".`);
  }
  const [, days = "0", hours = "0", minutes = "0", seconds = "0", fraction = "0"] = match;
  const whole = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
  return Math.round((whole + Number(fraction)) * 1000);
}

/** The same as .NET writes it: `[d.]hh:mm:ss[.fffffff]`. */
export function millisecondsToTimeSpan(milliseconds: number): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  const seconds = Math.floor(milliseconds / 1000);
  const days = Math.floor(seconds / 86_400);
  const fraction = milliseconds % 1000;
  return [
    days > 0 ? `${days}.` : "",
    `${two((seconds / 3600) % 24)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`,
    fraction > 0 ? `.${String(fraction).padStart(3, "0")}0000` : "",
  ].join("");
}
