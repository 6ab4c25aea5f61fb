/** Where malformed JSON goes wrong. V8's own messages name the place only sometimes, and quote the text, which may hold secrets. */

/**
 * The offset of the first character that cannot go on valid JSON; the text's length when it merely ends too early.
 * The text must be malformed.
 */
export function jsonErrorOffset(text: string): number {
  // Every prefix up to the error is the beginning of some valid JSON, none beyond it is: search for the border.
  let sound = 0;
  let broken = text.length + 1;
  while (broken - sound > 1) {
    const middle = (sound + broken) >> 1;
    if (mayGoOn(text.slice(0, middle))) sound = middle;
    else broken = middle;
  }
  return sound;
}

function mayGoOn(prefix: string): boolean {
  try {
    JSON.parse(prefix);
    return true;
  } catch (error) {
    const message = error instanceof Error ? error.message : "";
    const position = /at position (\d+)/.exec(message)?.[1];
    return /^Unexpected end|^Unterminated string/.test(message) || Number(position) === prefix.length;
  }
}
