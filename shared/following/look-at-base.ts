/** The source's tables and sequences now, compared with what the base copy is of. */
import type { ClientBase } from "pg";
import type { FollowedObject } from "../ledger/base-objects.js";
import type { ReplicationNames } from "../model/replication-names.js";
import { ServiceError } from "../model/service-error.js";
import { listBaseObjects } from "../postgres/base-objects.js";
import { listPublishableTables, readPublications } from "../postgres/publication.js";
import { type BaseChanges, baseChanges, type SourceNow } from "./base-changes.js";

/** What the source has now. */
export async function readSourceNow(source: ClientBase, names: ReplicationNames): Promise<SourceNow> {
  return {
    relations: await listBaseObjects(source, names),
    tables: await listPublishableTables(source, names.allChanges),
    publications: await readPublications(source, names),
  };
}

/**
 * What has become of the base's tables and sequences.
 * @throws ServiceError PublicationLost when changes are missing for good
 */
export async function lookAtBase(
  source: ClientBase,
  base: readonly FollowedObject[] | undefined,
  names: ReplicationNames,
): Promise<BaseChanges & { readonly now: SourceNow }> {
  const now = await readSourceNow(source, names);
  const changes = baseChanges(base, now, names);
  if (changes.lost !== undefined) throw new ServiceError("PublicationLost", changes.lost);
  return { ...changes, now };
}
