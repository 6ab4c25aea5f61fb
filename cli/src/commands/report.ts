import { Option } from "@commander-js/extra-typings";
import { reportAsMarkdown, reportOf } from "../migration-report.js";
import { type Format, formatted } from "../output/format.js";
import { migrationCommand, migrationNameOf, serviceOf } from "../service-options.js";

export function report() {
  return migrationCommand("report", "Report what a migration did: databases, tables, rates, messages, validation.")
    .addOption(
      new Option("--format <format>", "Markdown, or a value for programs")
        .choices(["markdown", "json", "yaml"] as const)
        .default("markdown" as const),
    )
    .action(async (options) => {
      const value = await reportOf(serviceOf(options), migrationNameOf(options));
      const format: Format | "markdown" = options.format;
      const text =
        format === "markdown" ? reportAsMarkdown(value) : formatted({ value, rows: [], columns: [] }, format);
      process.stdout.write(text);
    });
}
