/** Copying a range of large objects: they have no table of their own to COPY, and keep their OIDs. */
import type pg from "pg";
import { type CopiedPart, type CopyPartOptions, loadOnce } from "../ledger/load-once.js";
import type { PartToCopy } from "../ledger/parts.js";
import { readLargeObjectProperties } from "../postgres/large-objects.js";
import { applyWithin, type KeepUnapplied } from "../schema/apply-statements.js";
import { largeObjectStatements } from "../schema/large-object-statements.js";

/** What is read of every object of a part at once: most objects are smaller. Times the objects of a part, it bounds what one answer takes. */
const firstChunkBytes = 16 * 1024;

/** Bytes read and written at a time of those that are larger. */
const chunkBytes = 1024 * 1024;

const firstChunks = `
  select oid::text as oid, pg_catalog.lo_get(oid, 0, $3::int) as chunk
  from pg_catalog.pg_largeobject_metadata
  where oid::bigint >= $1
    and oid::bigint < $2
  order by oid
`;

const createObjects = `
  select count(pg_catalog.lo_from_bytea(object.oid, object.chunk))
  from unnest($1::oid[], $2::bytea[]) as object (oid, chunk)
`;

const readChunk = "select pg_catalog.lo_get($1::oid, $2::bigint, $3::int) as chunk";

const writeChunk = "select pg_catalog.lo_put($1::oid, $2::bigint, $3::bytea)";

export interface CopyLargeObjectsOptions extends CopyPartOptions {
  /** Takes note of owners, privileges, comments and labels that the target did not take. */
  readonly keep: KeepUnapplied;
}

/** As copyPart(): ledger row and objects in one transaction. Rows are objects. */
export async function copyLargeObjects(part: PartToCopy, options: CopyLargeObjectsOptions): Promise<CopiedPart> {
  return await loadOnce(part, options, async () => {
    const { source, target, onBytes, keep } = options;
    const range = [part.firstBlock ?? 0, part.endBlock ?? 0] as const;
    const { rows: objects } = await source.query<{ oid: string; chunk: Buffer }>(firstChunks, [
      ...range,
      firstChunkBytes,
    ]);
    await target.query(createObjects, [objects.map(({ oid }) => oid), objects.map(({ chunk }) => chunk)]);
    let bytes = objects.reduce((sum, { chunk }) => sum + chunk.length, 0);
    onBytes(bytes);
    for (const { oid, chunk } of objects) {
      if (chunk.length === firstChunkBytes) bytes += await copyRest(oid, options);
    }
    const properties = await readLargeObjectProperties(source, ...range);
    const left = await applyWithin(target, largeObjectStatements(properties, await currentUser(target)));
    if (left.length > 0) await keep(left);
    return { rows: objects.length, bytes };
  });
}

/** @returns bytes */
async function copyRest(oid: string, { source, target, signal, onBytes }: CopyPartOptions): Promise<number> {
  for (let offset = firstChunkBytes; ; offset += chunkBytes) {
    signal.throwIfAborted();
    const { rows } = await source.query<{ chunk: Buffer }>(readChunk, [oid, offset, chunkBytes]);
    const chunk = rows[0]?.chunk ?? Buffer.alloc(0);
    if (chunk.length > 0) await target.query(writeChunk, [oid, offset, chunk]);
    onBytes(chunk.length);
    if (chunk.length < chunkBytes) return offset + chunk.length - firstChunkBytes;
  }
}

async function currentUser(target: pg.Client): Promise<string> {
  const { rows } = await target.query<{ user: string }>("select current_user::text as user");
  return rows[0]?.user ?? "";
}
