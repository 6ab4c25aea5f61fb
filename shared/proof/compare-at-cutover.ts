/** The proof at an online migration's cutover: both sides stand still, and each table is tallied whole. */
import type pg from "pg";
import type { Verification } from "../model/verification.js";
import { isBeyondText } from "../postgres/beyond-text.js";
import { qualifiedName } from "../postgres/identifiers.js";
import { serverVersion } from "../postgres/source-tables.js";
import { canonicalRows } from "./canonical-row.js";
import { explainDifference } from "./explain-difference.js";
import { type TalliedSlice, type Tally, tally } from "./tally.js";

export interface CutoverSides {
  readonly source: pg.Client;
  readonly target: pg.Client;
  readonly verification: Verification;
  /** What both servers may take for one table. */
  readonly limitMs: number;
}

export type CutoverOutcome =
  | { readonly kind: "equal"; readonly warning?: string }
  | { readonly kind: "differs"; readonly message: string }
  /** Neither could be said in time. */
  | { readonly kind: "unknown"; readonly warning: string };

/** Copied columns of a table: pg_attribute.attgenerated is there from 12 on. */
const copiedColumns = `
  select a.attname::text as name
  from pg_catalog.pg_attribute as a
  where a.attrelid = $1::pg_catalog.regclass
    and a.attnum > 0
    and not a.attisdropped
    and coalesce(to_jsonb(a) ->> 'attgenerated', '') = ''
  order by a.attnum
`;

/** Compares a table on both sides. What checksums cannot do in time, counts do, and the outcome says so. */
export async function compareAtCutover(
  { schema, name }: { schema: string; name: string },
  sides: CutoverSides,
): Promise<CutoverOutcome> {
  const table = qualifiedName(schema, name);
  await Promise.all([sides.source, sides.target].map((client) => client.query("begin read only")));
  try {
    if (sides.verification === "Checksums") {
      const outcome = await compareContents({ schema, name }, sides);
      if (outcome !== undefined) return outcome;
    }
    const slice = { slice: wholeTable(schema, name, []), canonicalRow: undefined };
    const counts = await tallyBoth(slice, sides, await versionsOf(sides));
    const warning =
      sides.verification === "Checksums"
        ? `Table ${table} could not be checksummed at the cutover within ${Math.round(sides.limitMs / 1_000)} s: it was counted.`
        : undefined;
    if (counts === undefined) {
      return {
        kind: "unknown",
        warning: `Table ${table} could not be counted at the cutover within an activity's time.`,
      };
    }
    if (counts.source.rows === counts.target.rows) return { kind: "equal", ...(warning && { warning }) };
    return {
      kind: "differs",
      message: `Table ${table}: the source has ${counts.source.rows} rows and the target ${counts.target.rows}.`,
    };
  } finally {
    await Promise.all([sides.source, sides.target].map((client) => client.query("rollback")));
  }
}

/** Undefined when the time was up, or a row is too large. */
async function compareContents(
  { schema, name }: { schema: string; name: string },
  sides: CutoverSides,
): Promise<CutoverOutcome | undefined> {
  const versions = await versionsOf(sides);
  const columns = (await sides.source.query<{ name: string }>(copiedColumns, [qualifiedName(schema, name)])).rows.map(
    (row) => row.name,
  );
  const [row] = await canonicalRows(sides.source, [{ schema, name, columns }], versions);
  const slice = { slice: wholeTable(schema, name, columns), canonicalRow: row?.expression };
  const tallies = await tallyBoth(slice, sides, versions).catch((error: unknown) => {
    if (isBeyondText(error)) return undefined;
    throw error;
  });
  if (tallies === undefined) return undefined;
  const { source, target } = tallies;
  if (source.rows === target.rows && source.checksum === target.checksum) return { kind: "equal" };
  const heaps = [{ schema, name, columns, row_filter: null }];
  const explained = await explainDifference({ schema, table: name, source, target }, heaps, {
    ...sides,
    ...versions,
    deadline: Date.now() + sides.limitMs,
  });
  return explained.kind === "told"
    ? { kind: "equal", warning: explained.message }
    : { kind: "differs", message: explained.message };
}

async function tallyBoth(
  slice: TalliedSlice,
  { source, target, limitMs }: CutoverSides,
  { sourceVersion, targetVersion }: { sourceVersion: number; targetVersion: number },
): Promise<{ source: Tally; target: Tally } | undefined> {
  const [[onSource] = [], [onTarget] = []] = await Promise.all([
    tally(source, [slice], { version: sourceVersion, limitMs }),
    tally(target, [slice], { version: targetVersion, limitMs }),
  ]);
  return onSource && onTarget && { source: onSource, target: onTarget };
}

async function versionsOf({ source, target }: CutoverSides): Promise<{ sourceVersion: number; targetVersion: number }> {
  const [sourceVersion, targetVersion] = await Promise.all([serverVersion(source), serverVersion(target)]);
  return { sourceVersion, targetVersion };
}

function wholeTable(schema: string, table: string, columns: readonly string[]): TalliedSlice["slice"] {
  return { schema, table, columns, rowFilter: undefined, firstBlock: undefined, endBlock: undefined, parts: 1 };
}
