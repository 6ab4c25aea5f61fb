/**
 * The statements that give large objects their owners, privileges, comments and labels. pg_dump writes them with the objects' data; here they follow the
 * data of their part. One statement speaks of all objects of which the same is to be said, or there would be thousands. Pure.
 */
import { quoteIdentifier, quoteLiteral } from "../postgres/identifiers.js";
import type { LargeObjectProperties } from "../postgres/large-objects.js";
import { runAs } from "./act-as-owner.js";
import type { SchemaStatement } from "./schema-statement.js";

/** Objects that a message names at most. */
const objectsNamed = 5;

const everyPrivilege = ["SELECT", "UPDATE"] as const;

/** @param creator who creates the objects on the target: what is his anyway is not given to him. */
export function largeObjectStatements(objects: readonly LargeObjectProperties[], creator: string): SchemaStatement[] {
  return [
    ...comments(objects),
    ...groupsBy(objects.flatMap(labelsOf), ({ provider }) => provider).map(labels),
    ...groupsBy(
      objects.filter(({ owner }) => owner !== creator),
      ({ owner }) => owner,
    ).map(newOwner),
    ...groupsBy(
      objects.filter(({ privileges }) => privileges !== undefined),
      ({ owner, privileges }) => JSON.stringify([owner, privileges]),
    ).flatMap(grants),
  ];
}

function comments(objects: readonly LargeObjectProperties[]): SchemaStatement[] {
  const commented = objects.filter(({ comment }) => comment !== undefined);
  if (commented.length === 0) return [];
  const sql = commented.map(({ oid, comment }) => `COMMENT ON LARGE OBJECT ${oid} IS ${quoteLiteral(comment ?? "")}`);
  return [statement("comment", "comment on", commented, { sql: sql.join(";\n"), roles: [] })];
}

interface Labelled {
  readonly oid: string;
  readonly provider: string;
  readonly label: string;
}

function labelsOf({ oid, labels: known }: LargeObjectProperties): Labelled[] {
  return known.map((one) => ({ oid, ...one }));
}

function labels(labelled: readonly Labelled[]): SchemaStatement {
  const sql = labelled.map(
    ({ oid, provider, label }) =>
      `SECURITY LABEL FOR ${quoteIdentifier(provider)} ON LARGE OBJECT ${oid} IS ${quoteLiteral(label)}`,
  );
  return statement("securityLabel", "security label on", labelled, { sql: sql.join(";\n"), roles: [] });
}

function newOwner(objects: readonly [LargeObjectProperties, ...LargeObjectProperties[]]): SchemaStatement {
  const [{ owner }] = objects;
  const sql = objects.map(({ oid }) => `ALTER LARGE OBJECT ${oid} OWNER TO ${quoteIdentifier(owner)}`);
  return statement("owner", "owner of", objects, { sql: sql.join(";\n"), roles: [owner], newOwner: owner });
}

/** Privileges of objects that have the same owner and the same list: in the list's order, so that who hands on a right has it by then. */
function grants(objects: readonly [LargeObjectProperties, ...LargeObjectProperties[]]): SchemaStatement[] {
  const [{ owner, privileges = [] }] = objects;
  const on = `ON LARGE OBJECT ${objects.map(({ oid }) => oid).join(", ")}`;
  const grant = (sql: string, grantor: string, roles: readonly string[]): SchemaStatement => ({
    ...statement("grant", "privileges on", objects, {
      sql: grantor === owner ? sql : runAs(grantor, sql),
      roles: [...new Set([...(grantor === owner ? [] : [grantor]), ...roles])],
    }),
    ...(grantor === owner ? { owner } : { grantor }),
  });
  const kept = privileges.filter(({ grantee }) => grantee === owner).map(({ privilege }) => privilege);
  const lost = everyPrivilege.filter((privilege) => !kept.includes(privilege));
  const handedOut = privileges.filter(({ grantee }) => grantee !== owner);
  return [
    ...(lost.length === 0
      ? []
      : [grant(`REVOKE ${lost.join(", ")} ${on} FROM ${quoteIdentifier(owner)}`, owner, [owner])]),
    ...groupsBy(handedOut, ({ privilege: _, ...granted }) => JSON.stringify(granted)).map((granted) => {
      const [{ grantor, grantee, grantable }] = granted;
      const to = grantee === undefined ? "PUBLIC" : quoteIdentifier(grantee);
      const what = granted.map(({ privilege }) => privilege).join(", ");
      const sql = `GRANT ${what} ${on} TO ${to}${grantable ? " WITH GRANT OPTION" : ""}`;
      return grant(sql, grantor, grantee === undefined ? [] : [grantee]);
    }),
  ];
}

function statement(
  kind: SchemaStatement["kind"],
  about: string,
  objects: readonly { readonly oid: string }[],
  rest: Pick<SchemaStatement, "sql" | "roles" | "newOwner">,
): SchemaStatement {
  const named = objects.slice(0, objectsNamed).map(({ oid }) => oid);
  const more = objects.length > named.length ? ` and ${objects.length - named.length} more` : "";
  const object = `${about} large object${objects.length === 1 ? "" : "s"} ${named.join(", ")}${more}`;
  return { kind, object, objectType: "LARGEOBJECT", ...rest };
}

/** In the order of each group's first member. */
function groupsBy<T>(items: readonly T[], key: (item: T) => string): [T, ...T[]][] {
  const groups = new Map<string, [T, ...T[]]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return [...groups.values()];
}
