/** What docs/api.md says of a field, kept on the schema that checks it: the page is made from these. */
import type { z } from "zod";

export interface FieldText {
  /** What the field is, and what this service does with it. */
  readonly description: string;
  /** What Azure's service does, where it differs or where a reader would ask. */
  readonly azure?: string;
  /** The type in words, where the schema takes more than it answers. */
  readonly form?: string;
  /** Not in ARM's resource: an addition of this service. */
  readonly added?: true;
}

/** The schema with the text on it. */
export function documented<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
  more: Omit<FieldText, "description"> = {},
): Schema {
  return schema.meta({ description, ...more }) as Schema;
}
