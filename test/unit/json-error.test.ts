import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonErrorOffset } from "../../shared/model/json-error.js";

describe("malformed JSON", () => {
  it.each([
    ['{"a": 1,}', 8],
    ['{"a": ', 6],
    ["[1 2]", 3],
    ["{a:1}", 1],
    ['{"p":"secret" x}', 14],
    ["{} x", 3],
    ['{"a":1', 6],
    ["", 0],
    ["not json", 1],
    ['{"a":"line\nbreak"}', 10],
  ])("%j goes wrong at offset %i", (text, offset) => {
    expect(jsonErrorOffset(text)).toBe(offset);
  });

  it("is found where a character was planted that fits nowhere", () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (text, where) => {
        // Outside of strings, U+0001 is never part of JSON; inside of them neither.
        const at = where % (text.length + 1);
        expect(jsonErrorOffset(`${text.slice(0, at)}\u0001${text.slice(at)}`)).toBe(at);
      }),
    );
  });
});
