/** Comparing versions of extensions: "1.10" is newer than "1.9", "3.2.1" than "3.2". */

/** Versions are free text to PostgreSQL: where the texts hold something else than numbers, we do not claim to know (false). */
export function isOlderVersion(version: string, than: string): boolean {
  const ours = numbersOf(version);
  const theirs = numbersOf(than);
  if (ours === undefined || theirs === undefined) return false;
  for (let place = 0; place < Math.max(ours.length, theirs.length); place++) {
    const difference = (ours[place] ?? 0) - (theirs[place] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function numbersOf(version: string): number[] | undefined {
  return /^\d+([.-]\d+)*$/.test(version) ? version.split(/[.-]/).map(Number) : undefined;
}
