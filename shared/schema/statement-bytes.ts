/**
 * Statements whose text is bytes in the database's own encoding, not characters: SQL_ASCII databases hold whatever was put
 * into them. Each is sent as hexadecimal digits and decoded by the target's server, so that no client's encoding touches it.
 */
import type { SchemaStatement } from "./schema-statement.js";

/** The statement as it is to be run in a database of that encoding; itself where it is plain ASCII. */
export function inBytes(statement: SchemaStatement, encoding: string): SchemaStatement {
  if (!/[\u0080-\u00ff]/.test(statement.sql)) return statement;
  const digits = Buffer.from(statement.sql, "latin1").toString("hex");
  return {
    ...statement,
    sql: `do $bytes$begin execute pg_catalog.convert_from(pg_catalog.decode('${digits}', 'hex'), '${encoding}'); end$bytes$`,
  };
}
