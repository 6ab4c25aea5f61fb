/**
 * What a server keeps about itself where its users keep options: it belongs to no schema and never travels. PostgreSQL's
 * minor releases of November 2026 note in every column's attoptions with which version it was made or altered
 * (`pg_attver`); their own pg_dump leaves that out, an older one writes it, servers without the release refuse it, and
 * those with it make their own.
 */
import { type DefElem, parseSync } from "libpg-query";
import type { ParsedStatement } from "./split-statements.js";

const bookkeepingOptions: ReadonlySet<string> = new Set(["pg_attver"]);

/** The statement without such options: itself where it sets none, undefined where it sets nothing else. */
export function withoutServerBookkeeping(statement: ParsedStatement): ParsedStatement | undefined {
  if (!columnOptions(statement.tree).some(isBookkeeping)) return statement;
  // The tree's locations count from the start of the text that was parsed, which was not this statement alone.
  const tree = parseSync(statement.sql).stmts?.[0]?.stmt ?? statement.tree;
  const options = columnOptions(tree);
  const kept = options.filter((option) => !isBookkeeping(option));
  const [first] = options;
  if (kept.length === 0 || first?.location === undefined) return undefined;
  const bytes = Buffer.from(statement.sql);
  const texts = options.flatMap((option, index) => {
    const next = options[index + 1]?.location;
    const text = bytes.toString("utf8", option.location, next).trim();
    // Up to the comma before the next one, or to the parenthesis that closes the list.
    return isBookkeeping(option) ? [] : [text.replace(next === undefined ? /\)\s*$/ : /,$/, "").trim()];
  });
  return { sql: `${bytes.toString("utf8", 0, first.location)}${texts.join(", ")})`, tree };
}

function isBookkeeping({ defname }: DefElem): boolean {
  return bookkeepingOptions.has(defname ?? "");
}

/** The options of ALTER TABLE … ALTER COLUMN … SET (…), the only command of its statement in a dump. */
function columnOptions(tree: ParsedStatement["tree"]): DefElem[] {
  if (!("AlterTableStmt" in tree)) return [];
  return (tree.AlterTableStmt.cmds ?? []).flatMap((node) => {
    if (!("AlterTableCmd" in node) || node.AlterTableCmd.subtype !== "AT_SetOptions") return [];
    const { def } = node.AlterTableCmd;
    if (def === undefined || !("List" in def)) return [];
    return (def.List.items ?? []).flatMap((item) => ("DefElem" in item ? [item.DefElem] : []));
  });
}
