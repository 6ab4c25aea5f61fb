/** Quantities as people read them. A megabyte has 1,000,000 bytes. */
export function megabytes(bytes: number): string {
  const value = bytes / 1e6;
  return value.toLocaleString("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
}

export function count(value: number | bigint): string {
  return value.toLocaleString("en-US");
}

export function seconds(milliseconds: number): string {
  return (milliseconds / 1_000).toFixed(1);
}
