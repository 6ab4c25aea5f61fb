/** The rules as README.md shows them: a Markdown table, made from the rules themselves. */
import { loadDatabaseRules, loadServerRules } from "./load-rules.js";
import type { Rule } from "./rule.js";

const markers = ["<!-- rules: made by scripts/rules-table.mjs -->", "<!-- end of rules -->"] as const;

/**
 * `text` with the table between its two markers brought up to date.
 * @throws Error when the markers are not there.
 */
export async function withRulesTable(text: string): Promise<string> {
  const [start, end] = markers.map((marker) => text.indexOf(marker));
  if (start === undefined || end === undefined || start < 0 || end < start) {
    throw new Error(`The markers ${markers.join(" and ")} are missing.`);
  }
  return `${text.slice(0, start)}${markers[0]}\n${await rulesTable()}${text.slice(end)}`;
}

async function rulesTable(): Promise<string> {
  const rules = [...(await loadServerRules()), ...(await loadDatabaseRules())];
  return ["| Rule | Checks | When it does not succeed |", "| --- | --- | --- |", ...rules.map(row), ""].join("\n");
}

function row({ id, title, scope, modes, remedy }: Rule): string {
  const where = scope === "server" ? "servers" : "database";
  const when = modes.includes("Offline") ? where : `${where}, online`;
  return `| \`${id}\` (${when}) | ${cell(title)} | ${cell(remedy)} |`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
