/**
 * Proving the parts of one copy task, once their tables are loaded: both servers tally them, the source in the snapshot, the target what has been committed. A table is judged
 * when its last part has been tallied.
 */
import type pg from "pg";
import { type PartToCopy, readDatabaseProgress, readTask } from "../ledger/parts.js";
import {
  listHeapsOf,
  notBegun,
  type Progress,
  readCopiedRows,
  readProofs,
  readTalliedTables,
  type SideProgress,
  saveProofs,
  saveVerdicts,
  type TalliedTable,
  type Verdict,
} from "../ledger/proof-store.js";
import { ServiceError } from "../model/service-error.js";
import type { DatabaseRun, Progressed } from "../model/steps.js";
import type { Verification } from "../model/verification.js";
import { isBeyondText } from "../postgres/beyond-text.js";
import { connect, endSession } from "../postgres/connect.js";
import { qualifiedName } from "../postgres/identifiers.js";
import { serverVersion } from "../postgres/source-tables.js";
import { canonicalRows } from "../proof/canonical-row.js";
import { differenceRemedy, explainDifference } from "../proof/explain-difference.js";
import { add, checksumText, type TalliedSlice, tally } from "../proof/tally.js";
import { inSnapshot } from "../run/give-way.js";
import { serversOf } from "../run/servers.js";
import { addWarnings } from "../run/warnings.js";
import { settings } from "../settings.js";
import { recordDatabase } from "../status/databases.js";
import { recordParts } from "../status/tables.js";
import { CopySessions, type OpenSessions } from "./copy-sessions.js";

/** Whole small tables that one statement tallies. */
const tablesPerStatement = 50;

/** A part that did not fit into one activity is tallied in that many pieces, and each of them again if need be. */
const piecesOfOne = 8;

/** An attempt that had less of the budget than this, and was cut off, says nothing of the part. */
const fairShare = 0.7;

/** Finding the rows that differ comes after the verdict: it may take as long again, within host.json's functionTimeout. */
const budgetsForSearch = 0.8;

/**
 * @returns done: false when the budget was used up: what has been tallied is kept, and the task is to be called for again.
 * @throws ServiceError RowsDiffer naming the table, the counts and the first rows; SnapshotLost
 */
export async function proveTask(input: DatabaseRun & { task: number }): Promise<Progressed> {
  const { key, database, task } = input;
  const servers = await serversOf(key);
  const prover = new Prover(input, servers.spec.verification ?? settings().verification);
  const sessions = new CopySessions(
    servers.source(database, `prove ${task}`),
    servers.target(database, `prove ${task}`),
    input,
  );
  const ledger = await connect(servers.target(database, `proof ${task}`));
  try {
    return await inSnapshot(input, async () => await prover.prove(await sessions.open(), ledger));
  } finally {
    await Promise.all([sessions.end(), endSession(ledger)]);
  }
}

class Prover {
  readonly #run: DatabaseRun & { task: number };
  readonly #verification: Verification;
  readonly #budgetMs = settings().activityBudgetSeconds * 1_000;
  readonly #deadline = Date.now() + this.#budgetMs;

  constructor(run: DatabaseRun & { task: number }, verification: Verification) {
    this.#run = run;
    this.#verification = verification;
  }

  /** @param ledger a session of its own on the target: what has been tallied is kept whatever becomes of the others. */
  async prove(sessions: OpenSessions, ledger: pg.Client): Promise<Progressed> {
    const parts = (await readTask(ledger, this.#run.task)).filter(({ kind }) => kind === "table");
    const known = await readProofs(
      ledger,
      parts.map(({ id }) => id),
    );
    const targetVersion = await serverVersion(sessions.target);
    await sessions.target.query("begin isolation level read committed read only");
    let failure: ServiceError | undefined;
    for (const group of groupsOf(parts)) {
      if (Date.now() >= this.#deadline) return { done: false };
      const reached = await this.#tallyGroup(group, known, { ...sessions, targetVersion }, ledger);
      await saveProofs(ledger, reached);
      failure ??= await this.#judge(group, { ...sessions, targetVersion }, ledger);
      if ([...reached.values()].some(({ source, target }) => !source.done || !target.done)) return { done: false };
    }
    if (failure !== undefined) throw failure;
    return { done: true };
  }

  async #tallyGroup(
    group: readonly PartToCopy[],
    known: ReadonlyMap<number, Progress>,
    { source, sourceVersion, target, targetVersion }: ProofSessions,
    ledger: pg.Client,
  ): Promise<Map<number, Progress>> {
    const byContent = this.#verification === "Checksums";
    const rows = byContent
      ? await canonicalRows(source, group.map(provableTable), { sourceVersion, targetVersion })
      : [];
    const slices = group.map((part, index) => ({ slice: part, canonicalRow: rows[index]?.expression }));
    const begun = (side: keyof Progress) => group.map(({ id }) => known.get(id)?.[side] ?? notBegun);
    // A table that travelled whole was counted by the source's own COPY.
    const sent = byContent
      ? undefined
      : await readCopiedRows(
          ledger,
          group.map(({ id }) => id),
        );
    const asSent = begun("source").map((progress, index) => {
      const part = group[index];
      const rowsSent = part?.parts === 1 ? sent?.get(part.id) : undefined;
      return rowsSent === undefined ? progress : { ...notBegun, rows: rowsSent, checksum: undefined, done: true };
    });
    const [onSource, onTarget] = await Promise.all([
      this.#tallySide(source, sourceVersion, slices, asSent),
      this.#tallySide(target, targetVersion, slices, begun("target")),
    ]);
    return new Map(
      group.map(({ id }, index) => [id, { source: onSource[index] ?? notBegun, target: onTarget[index] ?? notBegun }]),
    );
  }

  async #tallySide(
    client: pg.Client,
    version: number,
    slices: readonly SliceOfPart[],
    begun: readonly SideProgress[],
  ): Promise<SideProgress[]> {
    if (slices.length > 1 && begun.every((progress) => progress === notBegun)) {
      const tallies = await this.#tallyAtOnce(client, version, slices);
      if (tallies !== undefined) return tallies;
    }
    const reached: SideProgress[] = [];
    for (const [index, slice] of slices.entries()) {
      reached.push(await this.#tallyPart(client, version, slice, begun[index] ?? notBegun));
    }
    return reached;
  }

  /** Undefined when the time was up, or a row of one of them is too large: then each is tried on its own. */
  async #tallyAtOnce(
    client: pg.Client,
    version: number,
    slices: readonly SliceOfPart[],
  ): Promise<SideProgress[] | undefined> {
    try {
      const tallies = await tally(client, slices, { version, limitMs: this.#timeLeft });
      return tallies?.map((one) => ({ ...notBegun, ...one, done: true }));
    } catch (error) {
      if (isBeyondText(error)) return undefined;
      throw error;
    }
  }

  get #timeLeft(): number {
    return Math.max(1_000, this.#deadline - Date.now());
  }

  /** Tallies a part piece by piece, as far as the time reaches. */
  async #tallyPart(
    client: pg.Client,
    version: number,
    { slice, canonicalRow }: SliceOfPart,
    begun: SideProgress,
  ): Promise<SideProgress> {
    let progress = begun;
    while (!progress.done && Date.now() < this.#deadline) {
      const piece = { slice: pieceOf(slice, progress), canonicalRow };
      const limitMs = this.#timeLeft;
      try {
        const [tallied] = (await tally(client, [piece], { version, limitMs })) ?? [];
        if (tallied === undefined) {
          if (limitMs < this.#budgetMs * fairShare) return progress;
          return await cutSmaller(client, slice, progress);
        }
        const nextPiece = progress.nextPiece + 1;
        progress = { ...progress, ...add(progress, tallied), nextPiece, done: nextPiece >= progress.pieces };
      } catch (error) {
        if (!isBeyondText(error) || canonicalRow === undefined) throw error;
        // No text holds one of its rows: the table is counted, and its verdict says so.
        return await this.#tallyPart(client, version, { slice, canonicalRow: undefined }, notBegun);
      }
    }
    return progress;
  }

  /** Judges the tables that the parts of the group complete. */
  async #judge(
    group: readonly PartToCopy[],
    sessions: ProofSessions,
    ledger: pg.Client,
  ): Promise<ServiceError | undefined> {
    const { key, database, attempt } = this.#run;
    const tables = await readTalliedTables(
      ledger,
      group.map(({ id }) => id),
    );
    const verdicts: Verdict[] = [];
    let failure: ServiceError | undefined;
    for (const table of tables) {
      const name = qualifiedName(table.schema, table.table);
      const verdict = await this.#verdictOf(table, sessions, ledger);
      verdicts.push({ schema: table.schema, table: table.table, ...verdict });
      if (verdict.error !== undefined) {
        failure ??= new ServiceError("RowsDiffer", verdict.error, { target: name });
      } else if (verdict.verified === "Counts" && this.#verification === "Checksums") {
        await addWarnings(key, database, [
          `Table ${name} has rows of more than 1 GB as text: it was verified by its counts, not by checksums.`,
        ]);
      }
    }
    const judged = await saveVerdicts(ledger, verdicts);
    await recordParts(
      key,
      judged.map(({ verified, checksum, error, ...part }) => ({
        ...part,
        database,
        attempt,
        ...(verified !== null && { verified }),
        ...(checksum !== null && { checksum }),
        ...(error !== null && { error }),
      })),
    );
    if (judged.length > 0) await recordDatabase(key, database, await readDatabaseProgress(ledger));
    return failure;
  }

  async #verdictOf(
    table: TalliedTable,
    sessions: ProofSessions,
    ledger: pg.Client,
  ): Promise<Pick<Verdict, "verified" | "checksum" | "error">> {
    const { source, target, copied } = table;
    const counted = source.checksum === undefined || target.checksum === undefined;
    const verified = counted ? "Counts" : "Checksums";
    const sameRows = source.rows === target.rows && source.rows === copied;
    if (sameRows && (counted || source.checksum === target.checksum)) {
      return { verified, ...(target.checksum !== undefined && { checksum: checksumText(target.checksum) }) };
    }
    const deadline = Date.now() + this.#budgetMs * budgetsForSearch;
    const explained = await explainDifference(table, await listHeapsOf(ledger, table), {
      ...sessions,
      deadline,
    });
    if (explained.kind === "told") {
      await addWarnings(this.#run.key, this.#run.database, [explained.message]);
      return { verified, checksum: checksumText(target.checksum ?? 0n) };
    }
    return { error: `${explained.message} ${differenceRemedy}` };
  }
}

interface ProofSessions extends OpenSessions {
  readonly targetVersion: number;
}

type SliceOfPart = TalliedSlice & { readonly slice: PartToCopy };

function provableTable(part: PartToCopy): { schema: string; name: string; columns: readonly string[] } {
  return { schema: part.schema, name: part.table, columns: part.columns };
}

/** Small whole tables share a statement; a part of a large one has its own. */
function groupsOf(parts: readonly PartToCopy[]): PartToCopy[][] {
  const groups: PartToCopy[][] = [];
  for (const part of parts) {
    const last = groups.at(-1);
    const joins = part.parts === 1 && last !== undefined && last[0]?.parts === 1 && last.length < tablesPerStatement;
    if (joins) last.push(part);
    else groups.push([part]);
  }
  return groups;
}

/** The next piece of a part: its blocks in equal ranges, the last one open if the part is. */
function pieceOf(part: PartToCopy, { pieces, nextPiece, endBlock }: SideProgress): PartToCopy {
  if (pieces === 1) return part;
  const first = part.firstBlock ?? 0;
  const end = part.endBlock ?? endBlock ?? first + 1;
  const boundary = (piece: number) => first + Math.floor((piece * (end - first)) / pieces);
  return {
    ...part,
    // What counts is that pre-14 servers find their way to the blocks: a piece is one of many.
    parts: part.parts * pieces,
    firstBlock: nextPiece === 0 ? part.firstBlock : boundary(nextPiece),
    endBlock: nextPiece === pieces - 1 ? part.endBlock : boundary(nextPiece + 1),
  };
}

const heapBlocks = `
  select (pg_catalog.pg_relation_size($1::pg_catalog.regclass) / pg_catalog.current_setting('block_size')::int)::float8 as blocks
`;

async function cutSmaller(client: pg.Client, part: PartToCopy, progress: SideProgress): Promise<SideProgress> {
  const table = qualifiedName(part.schema, part.table);
  const { rows } = await client.query<{ blocks: number }>(heapBlocks, [table]);
  const endBlock = progress.endBlock ?? Math.max(rows[0]?.blocks ?? 0, (part.firstBlock ?? 0) + 1);
  const blocks = (part.endBlock ?? endBlock) - (part.firstBlock ?? 0);
  if (part.rowFilter !== undefined || progress.pieces >= blocks) {
    throw new ServiceError(
      "ProofTooSlow",
      `A block of table ${table} could not be verified within ${settings().activityBudgetSeconds} s. ` +
        "Raise ACTIVITY_BUDGET_SECONDS and host.json's functionTimeout, or migrate with verification Counts.",
      { target: table },
    );
  }
  // The boundaries of the larger pieces are boundaries of the smaller ones: what has been tallied stays so.
  const nextPiece = progress.nextPiece * piecesOfOne;
  return { ...progress, pieces: progress.pieces * piecesOfOne, nextPiece, endBlock };
}
