/** What a migration did, on a page that can be filed: Markdown for people, the same as a value for programs. */
import type { DatabaseProgress, Migration, MigrationService, TableProgress } from "./migration-service.js";
import { count, duration, size } from "./quantities.js";
import { findingsOf, type ValidationFinding } from "./validation-findings.js";
import { substateOf } from "./watch/progress.js";

const largestTables = 20;

export interface MigrationReport {
  readonly name: string;
  readonly state: string;
  readonly substate: string;
  readonly error: string | undefined;
  readonly mode: string | undefined;
  readonly option: string | undefined;
  readonly source: string | undefined;
  readonly sourceVersion: string | undefined;
  readonly target: string | undefined;
  readonly targetVersion: string | undefined;
  readonly createdAt: string | undefined;
  readonly databases: readonly DatabaseReport[];
  /** The largest by rows' bytes. */
  readonly largestTables: readonly TableProgress[];
  readonly tablesWithErrors: readonly TableProgress[];
  /** Without those that succeeded. */
  readonly findings: readonly ValidationFinding[];
}

interface DatabaseReport extends DatabaseProgress {
  /** From the database's start to its end; undefined while it goes on. */
  readonly milliseconds: number | undefined;
  readonly messages: readonly string[];
}

export async function reportOf(service: MigrationService, name: string): Promise<MigrationReport> {
  const [migration, databases, tables] = await Promise.all([
    service.show(name),
    service.databases(name),
    service.tables(name),
  ]);
  const { properties } = migration;
  const { currentStatus } = properties;
  return {
    name: migration.name,
    state: currentStatus.state,
    substate: substateOf(migration),
    error: currentStatus.error ?? undefined,
    mode: properties.migrationMode,
    option: properties.migrationOption,
    source: properties.sourceDbServerFullyQualifiedDomainName ?? properties.sourceDbServerResourceId,
    sourceVersion: properties.sourceDbServerMetadata?.version,
    target: properties.targetDbServerFullyQualifiedDomainName,
    targetVersion: properties.targetDbServerMetadata?.version,
    createdAt: migration.systemData?.createdAt,
    databases: databases.map((one) => ({
      ...one,
      milliseconds:
        one.startedOn !== undefined && one.endedOn !== undefined
          ? Date.parse(one.endedOn) - Date.parse(one.startedOn)
          : undefined,
      messages: messagesOf(migration, one.database),
    })),
    largestTables: [...tables].sort((one, other) => other.bytes - one.bytes).slice(0, largestTables),
    tablesWithErrors: tables.filter(({ error }) => error !== undefined),
    findings: findingsOf(currentStatus.currentSubStateDetails?.validationDetails).filter(
      ({ state }) => state !== "Succeeded",
    ),
  };
}

export function reportAsMarkdown(report: MigrationReport): string {
  const sections = [
    `# Migration ${report.name}: ${report.state}`,
    list([
      ["Error", report.error],
      ["State", [report.state, report.substate].filter((text) => text !== "").join(" / ")],
      ["Mode", [report.mode, report.option].filter((text) => text !== undefined).join(", ")],
      ["Source", serverText(report.source, report.sourceVersion)],
      ["Target", serverText(report.target, report.targetVersion)],
      ["Created", report.createdAt],
    ]),
    "## Databases",
    markdownTable(
      ["Database", "State", "Tables", "Rows", "Copied", "Duration", "Rate"],
      report.databases.map((one) => [
        one.database,
        one.state ?? "",
        count(one.tablesCompleted),
        count(one.rowsCopied),
        size(one.bytesCopied),
        one.milliseconds === undefined ? "" : duration(one.milliseconds),
        one.milliseconds ? `${size((one.bytesCopied * 1_000) / one.milliseconds)}/s` : "",
      ]),
    ),
    ...messagesSection(report.databases),
    ...tablesSection(`Largest tables (at most ${largestTables})`, report.largestTables),
    ...tablesSection("Tables with errors", report.tablesWithErrors),
    ...findingsSection(report.findings),
  ];
  return `${sections.join("\n\n")}\n`;
}

function messagesOf(migration: Migration, database: string): string[] {
  const text = migration.properties.currentStatus.currentSubStateDetails?.dbDetails?.[database]?.message ?? "";
  return text.split("\n").filter((line) => line !== "");
}

function messagesSection(databases: readonly DatabaseReport[]): string[] {
  const lines = databases.flatMap(({ database, messages }) => messages.map((one) => `- ${database}: ${escaped(one)}`));
  return lines.length === 0 ? [] : ["## Messages", lines.join("\n")];
}

function tablesSection(title: string, tables: readonly TableProgress[]): string[] {
  if (tables.length === 0) return [];
  const rows = tables.map((one) => [
    one.database,
    `${one.schemaName}.${one.tableName}`,
    one.state,
    count(one.rows),
    size(one.bytes),
    one.error ?? "",
  ]);
  return [`## ${title}`, markdownTable(["Database", "Table", "State", "Rows", "Copied", "Error"], rows)];
}

function findingsSection(findings: readonly ValidationFinding[]): string[] {
  if (findings.length === 0) return [];
  const rows = findings.map((one) => [one.state, one.database, one.rule, one.message]);
  return ["## Validation", markdownTable(["State", "Database", "Rule", "Message"], rows)];
}

function serverText(address: string | undefined, version: string | undefined): string | undefined {
  return version === undefined ? address : `${address ?? ""} (PostgreSQL ${version})`;
}

function list(entries: readonly (readonly [string, string | undefined])[]): string {
  return entries.flatMap(([name, text]) => (text ? [`- ${name}: ${escaped(text)}`] : [])).join("\n");
}

function markdownTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escaped).join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Names are data: a table called "a|b" or one with a line break must not break the page. */
function escaped(text: string): string {
  return text.replace(/[\\|`*_<>]/g, "\\$&").replace(/\s*[\r\n]+\s*/g, " ");
}
