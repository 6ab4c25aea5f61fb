/**
 * PartitionKeys and RowKeys for arbitrary names. Table Storage forbids `/ \ # ?` and control characters in keys (Azure
 * docs, "Understanding the Table service data model"); those, `%` itself, and whatever separates the components of a
 * compound key are percent-encoded and nothing else, so that keys stay readable in Storage Explorer.
 */
import { createHash } from "node:crypto";

/** Keys may have 1 KiB, that is 512 UTF-16 code units. */
const maximumLength = 500;
const separator = "|";

/** A name as a key: injective, and the name itself wherever the name is legal. */
export function entityKey(name: string): string {
  return limited(encoded(name));
}

/** Components joined with "|", e.g. `shop|public.orders|0003`: injective, and sorted by the first component. */
export function compoundKey(...components: readonly string[]): string {
  return limited(components.map((component) => encoded(component).replaceAll(separator, "%7C")).join(separator));
}

/** The range of compound keys whose first component is `component`: from (inclusive) to (exclusive). */
export function compoundKeyRange(component: string): { from: string; to: string } {
  const start = encoded(component).replaceAll(separator, "%7C");
  // "}" is the character after "|".
  return { from: `${start}|`, to: `${start}}` };
}

/** `schema.table` for a compound key: a dot inside either name is encoded, so that it cannot be taken for the one between them. */
export function qualifiedComponent(schemaName: string, tableName: string): string {
  const dotless = (name: string) => name.replaceAll("%", "%25").replaceAll(".", "%2E");
  return `${dotless(schemaName)}.${dotless(tableName)}`;
}

function encoded(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what Table Storage forbids.
  return name.toString().replace(/[%/\\#?\u0000-\u001f\u007f-\u009f]|\p{Surrogate}/gu, (character) => {
    const code = character.charCodeAt(0);
    // Lone surrogates cannot be written as UTF-8 at all.
    return code > 0xff ? `%u${hex(code, 4)}` : `%${hex(code, 2)}`;
  });
}

function hex(code: number, digits: number): string {
  return code.toString(16).toUpperCase().padStart(digits, "0");
}

function limited(key: string): string {
  if (key.length <= maximumLength) return key;
  return `${key.slice(0, 400)}~${createHash("sha256").update(key, "utf8").digest("hex")}`;
}
