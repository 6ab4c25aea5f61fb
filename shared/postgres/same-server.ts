/**
 * Whether source and target are two servers. Addresses do not tell: 0.0.0.0, a DNS alias, a private endpoint and a proxy all lead to where 127.0.0.1 does,
 * and a target database is replaced. So each side takes an advisory lock, and both look for both: pg_locks shows those of the whole server,
 * whatever the database.
 */
import { randomInt } from "node:crypto";
import type pg from "pg";
import type { ServerEndpoint } from "../model/migration.js";
import { ServiceError } from "../model/service-error.js";

/** What one side says while both hold their locks. */
export interface ServerSight {
  /** Whether it sees its own lock: else that it does not see the other's says nothing. */
  readonly seesItself: boolean;
  readonly seesOther: boolean;
  /** pg_is_in_recovery(): it takes its changes from another server. */
  readonly standby: boolean;
  /** Of the cluster and its standbys and file copies; undefined where we may not read it, and before 9.6. */
  readonly systemIdentifier: string | undefined;
}

export type Relation = "different" | "same" | "standby" | "undecidable";

/** What two sides' sights mean. Clones of one cluster that both take writes have one identifier and are two servers. */
export function relationOf(source: ServerSight, target: ServerSight): Relation {
  if (source.seesOther || target.seesOther) return "same";
  if (!source.seesItself || !target.seesItself) return "undecidable";
  if (!source.standby && !target.standby) return "different";
  if (source.systemIdentifier === undefined || target.systemIdentifier === undefined) return "undecidable";
  return source.systemIdentifier === target.systemIdentifier ? "standby" : "different";
}

/**
 * The relation of the servers behind two sessions, which are both in a transaction: the locks end with those.
 */
export async function readRelation(source: pg.Client, target: pg.Client): Promise<Relation> {
  // Sessions of other migrations do the same, at the same time: a pair of numbers that nobody else draws.
  const [ofSource, ofTarget] = [drawLock(), drawLock()];
  const locked = await Promise.all([takeLock(source, ofSource), takeLock(target, ofTarget)]);
  if (locked.includes(false)) return "undecidable";
  const [sourceSees, targetSees] = await Promise.all([
    look(source, ofSource, ofTarget),
    look(target, ofTarget, ofSource),
  ]);
  return relationOf(sourceSees, targetSees);
}

/**
 * @param source,target sessions outside of a transaction
 * @throws ServiceError SameServer, also when it cannot be told
 */
export async function proveDifferentServers(
  source: pg.Client,
  target: pg.Client,
  addresses: { readonly source: ServerEndpoint; readonly target: ServerEndpoint },
): Promise<void> {
  const both = [source, target];
  await Promise.all(both.map((session) => session.query("begin isolation level read committed read only")));
  const relation = await readRelation(source, target);
  await Promise.all(both.map((session) => session.query("rollback")));
  const refusal = refusalOf(relation, addresses);
  if (refusal !== undefined) throw new ServiceError("SameServer", refusal);
}

/** Why such servers are not migrated between; undefined for different ones. */
export function refusalOf(
  relation: Relation,
  { source, target }: { readonly source: ServerEndpoint; readonly target: ServerEndpoint },
): string | undefined {
  const [from, to] = [`${source.host}:${source.port}`, `${target.host}:${target.port}`];
  switch (relation) {
    case "different":
      return undefined;
    case "same":
      return (
        `The source ${from} and the target ${to} are the same server: each of its databases would be replaced by itself, and its rows lost. ` +
        "Name another server as the target. A database is not moved within a server; to copy one there, use CREATE DATABASE … TEMPLATE …."
      );
    case "standby":
      return (
        `The source ${from} and the target ${to} have one system identifier, and one of them is a standby: what is done on the one happens on the other. ` +
        "Name another target, or end the replication between them by promoting the standby (SELECT pg_promote()) first."
      );
    case "undecidable":
      return (
        `It cannot be told whether the source ${from} and the target ${to} are two servers: pg_locks does not show a lock that was taken there, or one of ` +
        "them is a standby and its system identifier may not be read. Let both users read it (GRANT EXECUTE ON FUNCTION pg_control_system() TO …, as a " +
        "superuser, in the databases that they connect to), or name the primary as the source."
      );
  }
}

interface Lock {
  readonly high: number;
  readonly low: number;
}

function drawLock(): Lock {
  return { high: randomInt(2 ** 31), low: randomInt(2 ** 31) };
}

const tryLock = "select pg_catalog.pg_try_advisory_xact_lock($1::int, $2::int) as locked";

async function takeLock(session: pg.Client, { high, low }: Lock): Promise<boolean> {
  return (await session.query<{ locked: boolean }>(tryLock, [high, low])).rows[0]?.locked === true;
}

const sight = `
  select
    exists (
      select
      from pg_catalog.pg_locks
      where locktype = 'advisory' and granted and classid = $1::oid and objid = $2::oid
    ) as sees_itself,
    exists (
      select
      from pg_catalog.pg_locks
      where locktype = 'advisory' and granted and classid = $3::oid and objid = $4::oid
    ) as sees_other,
    pg_catalog.pg_is_in_recovery() as standby,
    coalesce(
      pg_catalog.has_function_privilege(pg_catalog.to_regprocedure('pg_catalog.pg_control_system()')::oid, 'execute'),
      false
    ) as identifiable
`;

const identifier = "select system_identifier::text as identifier from pg_catalog.pg_control_system()";

async function look(session: pg.Client, own: Lock, other: Lock): Promise<ServerSight> {
  const { rows } = await session.query<{
    sees_itself: boolean;
    sees_other: boolean;
    standby: boolean;
    identifiable: boolean;
  }>(sight, [own.high, own.low, other.high, other.low]);
  const [seen] = rows;
  const identity = seen?.identifiable === true ? await session.query<{ identifier: string }>(identifier) : undefined;
  return {
    seesItself: seen?.sees_itself === true,
    seesOther: seen?.sees_other === true,
    standby: seen?.standby === true,
    systemIdentifier: identity?.rows[0]?.identifier,
  };
}
