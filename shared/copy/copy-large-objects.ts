/** Copying a range of large objects: they have no table of their own to COPY, and keep their OIDs. */
import { type CopiedPart, type CopyPartOptions, loadOnce } from "../ledger/load-once.js";
import type { PartToCopy } from "../ledger/parts.js";

/** Bytes read and written at a time. */
const chunkBytes = 1024 * 1024;

const objectsInRange = `
  select oid::bigint as oid
  from pg_catalog.pg_largeobject_metadata
  where oid::bigint >= $1
    and oid::bigint < $2
  order by oid
`;

const createObject = `
  select pg_catalog.lo_create($1::bigint::oid)
  where not exists (select from pg_catalog.pg_largeobject_metadata where oid = $1::bigint::oid)
`;

const readChunk = "select pg_catalog.lo_get($1::bigint::oid, $2::bigint, $3::int) as chunk";

const writeChunk = "select pg_catalog.lo_put($1::bigint::oid, $2::bigint, $3::bytea)";

/** As copyPart(): ledger row and objects in one transaction. Rows are objects. */
export async function copyLargeObjects(part: PartToCopy, options: CopyPartOptions): Promise<CopiedPart> {
  return await loadOnce(part, options, async () => {
    const { source, target, signal, onBytes } = options;
    const { rows: objects } = await source.query<{ oid: string }>(objectsInRange, [part.firstBlock, part.endBlock]);
    let bytes = 0;
    for (const { oid } of objects) {
      await target.query(createObject, [oid]);
      for (let offset = 0; ; offset += chunkBytes) {
        signal.throwIfAborted();
        const { rows } = await source.query<{ chunk: Buffer }>(readChunk, [oid, offset, chunkBytes]);
        const chunk = rows[0]?.chunk ?? Buffer.alloc(0);
        if (chunk.length > 0) await target.query(writeChunk, [oid, offset, chunk]);
        bytes += chunk.length;
        onBytes(chunk.length);
        if (chunk.length < chunkBytes) break;
      }
    }
    return { rows: objects.length, bytes };
  });
}
