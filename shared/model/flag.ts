/** ARM's two-valued fields: the strings "True" and "False". We accept any case and JSON booleans, and answer with the strings. */
import { z } from "zod";

export const Flag = z.preprocess(
  (value) => (typeof value === "string" ? words.get(value.toLowerCase()) : value),
  z.boolean({ error: 'must be "True" or "False"' }),
);

const words = new Map([
  ["true", true],
  ["false", false],
]);

/** A flag as ARM writes it. */
export function flagText(flag: boolean): "True" | "False" {
  return flag ? "True" : "False";
}
