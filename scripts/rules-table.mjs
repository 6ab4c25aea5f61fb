/** The validation rules as docs/validation-rules.md shows them: a Markdown table between two markers. */

const markers = ["<!-- rules: made by scripts/rules-reference.mjs -->", "<!-- end of rules -->"];

/**
 * `text` with the table of these rules (shared/validation/rule.ts) brought up to date.
 * @throws Error when the markers are not there
 */
export function withRulesTable(text, rules) {
  const [start, end] = markers.map((marker) => text.indexOf(marker));
  if (start < 0 || end < start) throw new Error(`The markers ${markers.join(" and ")} are missing.`);
  const table = ["| Rule | Checks | When it does not succeed |", "| --- | --- | --- |", ...rules.map(row), ""].join(
    "\n",
  );
  return `${text.slice(0, start)}${markers[0]}\n${table}${text.slice(end)}`;
}

function row({ id, title, scope, modes, remedy }) {
  const where = scope === "server" ? "servers" : "database";
  const when = modes.includes("Offline") ? where : `${where}, online`;
  return `| \`${id}\` (${when}) | ${cell(title)} | ${cell(remedy)} |`;
}

function cell(text) {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
