/** Cutting a part that is too slow for one activity (TOAST that travels much larger than it is stored, a slow network) into smaller ones. */
import type pg from "pg";
import { DatabaseError } from "pg";
import { cutPart } from "../planning/parts.js";
import { queryLedger } from "./ledger-name.js";
import { type PartToCopy, saveParts } from "./parts.js";

/** A part that did not fit once may not fit twice: better many small ones at once than several rounds. */
const pieces = 8;

/** Whoever is loading the part holds its ledger row. */
const lockLimit = "set local lock_timeout = '3s'";
const lockNotAvailable = "55P03";

/** The ledger has the part for ever: a runner that still knows it finds nothing left to load. */
const retirePart = `
  insert into _pgmig.ledger (part_id, instance)
  values ($1, $2)
  on conflict do nothing
`;

/** Numbers are given out here, and nowhere else once the plan has been saved. */
const lockPlan = "lock table _pgmig.part in share row exclusive mode";

const removePart = "delete from _pgmig.part where id = $1";

const growTable = `
  update _pgmig.part
  set parts = parts + $4
  where kind = $1
    and schema_name = $2
    and table_name = $3
`;

const lastNumbers = `
  select
    (select max(id) from _pgmig.part) as id,
    (select max(part) from _pgmig.part where kind = $1 and schema_name = $2 and table_name = $3) as part
`;

/**
 * Replaces a part that has not been loaded by smaller ones of the same task.
 * @param blocks of the table's heap on the source
 * @returns the new parts; none when it cannot be cut, undefined when somebody else has loaded or cut it, or is loading it
 */
export async function splitPart(
  target: pg.Client,
  part: PartToCopy,
  { blocks, instance }: { blocks: number; instance: string },
): Promise<PartToCopy[] | undefined> {
  const ranges = cutPart(part, blocks, pieces);
  if (ranges.length < 2) return [];
  const table = [part.kind, part.schema, part.table];
  await target.query("begin");
  try {
    await target.query(lockLimit);
    if ((await queryLedger(target, retirePart, [part.id, instance])).rowCount === 0) {
      await target.query("rollback");
      return undefined;
    }
    await queryLedger(target, lockPlan);
    const { rows } = await queryLedger<{ id: number; part: number }>(target, lastNumbers, table);
    const last = rows[0] ?? { id: part.id, part: part.part };
    await queryLedger(target, removePart, [part.id]);
    await queryLedger(target, growTable, [...table, ranges.length - 1]);
    const parts = ranges.map((range, index) => ({
      ...part,
      ...range,
      id: last.id + 1 + index,
      part: index === 0 ? part.part : last.part + index,
      parts: part.parts + ranges.length - 1,
    }));
    await saveParts(target, parts);
    await target.query("commit");
    return parts;
  } catch (error) {
    await target.query("rollback");
    if (error instanceof DatabaseError && error.code === lockNotAvailable) return undefined;
    throw error;
  }
}
