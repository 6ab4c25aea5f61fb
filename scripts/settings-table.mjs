/** The settings as docs/settings.md shows them: a Markdown table between two markers. */
import { z } from "zod";

const markers = ["<!-- settings: made by scripts/settings-reference.mjs -->", "<!-- end of settings -->"];

/**
 * `text` with the table brought up to date.
 * @throws Error when the markers are not there
 */
export function withSettingsTable(text, schema) {
  const [start, end] = markers.map((marker) => text.indexOf(marker));
  if (start < 0 || end < start) throw new Error(`The markers ${markers.join(" and ")} are missing.`);
  return `${text.slice(0, start)}${markers[0]}\n${settingsTable(schema)}${text.slice(end)}`;
}

function settingsTable(schema) {
  const { properties } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  const rows = Object.entries(properties).map(([name, { description, default: value }]) => {
    if (description === undefined) throw new Error(`${name} has no description in shared/settings-schema.ts`);
    return `| \`${name}\` | ${value === undefined || value === "" ? "" : `\`${value}\``} | ${description.replaceAll("|", "\\|")} |`;
  });
  return ["| setting | default | what it is |", "|---|---|---|", ...rows, ""].join("\n");
}
