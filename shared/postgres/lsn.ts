/** A position in a server's WAL. */

/** "16/B374D848" as a number: the bytes before it. @throws Error for anything else */
export function parseLsn(text: string): bigint {
  const [high, low] = text.split("/");
  if (high === undefined || low === undefined) throw new Error(`${text} is no LSN.`);
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}

/** Bytes from one position to another; negative when `to` is before `from`. */
export function bytesBetween(from: string, to: string): number {
  return Number(parseLsn(to) - parseLsn(from));
}
