/** What a dump of the schema is asked for, and what the two ways of running pg_dump have in common. */

import { ServiceError } from "../model/service-error.js";
import { quoteIdentifier } from "../postgres/identifiers.js";

export type SchemaSection = "pre-data" | "post-data";

export interface SchemaDumpOptions {
  readonly section: SchemaSection;
  /** An exported snapshot to read from; without it pg_dump takes one of its own. */
  readonly snapshot?: string;
  /** Schemas that are left out with all they hold. */
  readonly excludedSchemas?: readonly string[];
  /** Milliseconds after which the dump is given up: at most the activity budget. */
  readonly timeLimitMs: number;
  readonly signal?: AbortSignal;
  /**
   * The database's own encoding, for a text that UTF8 cannot hold: the dump is then not converted, and every character of
   * the answer is one byte of it (ISO 8859-1).
   */
  readonly bytesIn?: string;
}

/** The longest that pg_dump waits for a table that somebody holds ACCESS EXCLUSIVE, in milliseconds. */
const lockWaitLimitMs = 60_000;

/** The arguments of either pg_dump. */
export function pgDumpArguments(options: SchemaDumpOptions): string[] {
  return [
    "--schema-only",
    `--section=${options.section}`,
    `--encoding=${options.bytesIn ?? "UTF8"}`,
    // A copied subscription would start to pull changes into the target.
    "--no-subscriptions",
    // The target need not have the source's tablespaces.
    "--no-tablespaces",
    "--no-statistics",
    `--lock-wait-timeout=${Math.min(lockWaitLimitMs, options.timeLimitMs)}`,
    ...(options.snapshot === undefined ? [] : [`--snapshot=${options.snapshot}`]),
    // As patterns: between double quotes every character stands for itself.
    ...(options.excludedSchemas ?? []).map((schema) => `--exclude-schema=${quoteIdentifier(schema)}`),
  ];
}

/**
 * The promise that `work` settles, or a rejection when the time is up or the signal aborts. Leaves neither timer nor listener behind.
 */
export async function withinLimits<T>(
  options: SchemaDumpOptions,
  work: (resolve: (value: T) => void, reject: (reason: unknown) => void) => void,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      timer = setTimeout(() => reject(timedOut(options)), options.timeLimitMs);
      onAbort = () => reject(options.signal?.reason);
      options.signal?.addEventListener("abort", onAbort);
      work(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
    if (onAbort !== undefined) options.signal?.removeEventListener("abort", onAbort);
  }
}

function timedOut({ section, timeLimitMs }: SchemaDumpOptions): ServiceError {
  return new ServiceError(
    "SchemaDumpTimedOut",
    `pg_dump did not finish section ${section} within ${Math.round(timeLimitMs / 1000)} s. ` +
      "Look for sessions on the source that hold locks on its tables, then start the migration again.",
  );
}

export function dumpFailed(section: SchemaSection, words: string, cause?: unknown): ServiceError {
  const said = readable(words);
  const refused = /ERROR: +(permission denied for [^\n]*)/.exec(said)?.[1];
  if (refused !== undefined) {
    return new ServiceError(
      "SourcePrivilegeMissing",
      `The source's user may not read what is to be copied: ${refused}. Let it, with GRANT USAGE ON SCHEMA and GRANT SELECT ON on the source; a migration with migrationOption Validate lists everything that is missing.`,
      { cause },
    );
  }
  return new ServiceError("SchemaDumpFailed", `The schema could not be read (${section}): ${said}`, { cause });
}

/**
 * pg_dump's standard error as a person can read it. pglite-tools joins its lines without their ends; a query of pg_dump's
 * that failed fills a page and helps nobody; and that WebAssembly has no program file is no news. What the server said needs no introduction.
 */
function readable(words: string): string {
  return words
    .replaceAll(/(?<=\S)(?=pg_dump: )/g, "\n")
    .replaceAll(/pg_dump: detail: Query was: [\s\S]*?(?=\npg_dump: |$)/g, "")
    .replaceAll(/invalid binary "pg_dump": [^\n]*\n?/g, "")
    .replaceAll(/could not find a "pg_dump" to execute\n?/g, "")
    .replace(/^pg_dump failed with exit code \d+\.\s*Error message:\s*/, "")
    .replaceAll(/could not find a "pg_dump" to execute\s*/g, "")
    .trim();
}

/** Whether a dump has failed because the schema cannot be written in UTF8: bytes in a SQL_ASCII database, or no conversion. */
export function isNotUtf8(error: unknown): boolean {
  return (
    error instanceof ServiceError &&
    error.code === "SchemaDumpFailed" &&
    /invalid byte sequence for encoding "UTF8"|has no equivalent in encoding "UTF8"|conversion between \S+ and UTF8/.test(
      error.message,
    )
  );
}
