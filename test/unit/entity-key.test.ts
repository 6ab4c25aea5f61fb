import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compoundKey, compoundKeyRange, entityKey, qualifiedComponent } from "../../shared/status/entity-key.js";

/** Names made mostly of what gives trouble: what is forbidden in keys, separators, escapes, lone surrogates. */
const name = fc.string({
  unit: fc.oneof(
    fc.constantFrom(..."/\\#?%|.~}", "%2F", "%25", "\u0000", "\n", "\u007f", "\u0085", "\ud800", "\udc00", "🐘", "'"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  ),
  maxLength: 63,
});
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there.
const forbidden = /[/\\#?\u0000-\u001f\u007f-\u009f]/;
const runs = { numRuns: 2_000 };

describe("keys for arbitrary names", () => {
  it("are legal: nothing forbidden, writable as UTF-8, at most 1 KiB", () => {
    fc.assert(
      fc.property(name, name, name, (database, schemaName, tableName) => {
        for (const key of [
          entityKey(database),
          compoundKey(database, qualifiedComponent(schemaName, tableName), "0001"),
        ]) {
          expect(key).not.toMatch(forbidden);
          expect(Buffer.from(key, "utf8").toString("utf8")).toBe(key);
          expect(key.length * 2).toBeLessThanOrEqual(1_024);
        }
      }),
      runs,
    );
  });

  it("differ when the names differ", () => {
    fc.assert(
      fc.property(name, name, (one, other) => {
        expect(entityKey(one) === entityKey(other)).toBe(one === other);
      }),
      runs,
    );
    const tableName = fc.tuple(name, name, name);
    fc.assert(
      fc.property(tableName, tableName, (one, other) => {
        const key = ([database, schema, table]: [string, string, string]) =>
          compoundKey(database, qualifiedComponent(schema, table), "0001");
        expect(key(one) === key(other)).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
      runs,
    );
  });

  it("of a database are in its range, and nobody else's are", () => {
    fc.assert(
      fc.property(name, name, name, (database, other, table) => {
        const { from, to } = compoundKeyRange(database);
        const inRange = (key: string) => key >= from && key < to;
        expect(inRange(compoundKey(database, table))).toBe(true);
        expect(inRange(compoundKey(other, table))).toBe(database === other);
      }),
      runs,
    );
  });

  it("are the names themselves where those are legal", () => {
    expect(entityKey("Shop 2 – été 🐘")).toBe("Shop 2 – été 🐘");
    expect(compoundKey("shop", qualifiedComponent("public", "orders"), "0003")).toBe("shop|public.orders|0003");
    expect(entityKey("a/b%\n")).toBe("a%2Fb%25%0A");
  });

  it("stay apart and in range even when they must be shortened", () => {
    const longest = ["\u0001".repeat(63), "%".repeat(63), ".".repeat(63)] as const;
    const [database, schema, table] = longest;
    const key = compoundKey(database, qualifiedComponent(schema, table), "0001");
    const next = compoundKey(database, qualifiedComponent(schema, table), "0002");
    expect(key.length).toBeLessThanOrEqual(512);
    expect(key).not.toBe(next);
    const { from, to } = compoundKeyRange(database);
    expect(key >= from && key < to).toBe(true);
  });
});
