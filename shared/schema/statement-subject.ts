/** Which object an ownership or a privilege is about, read from the statement's syntax tree: so that the two can be brought together. */
import type { Node } from "libpg-query";

export interface StatementSubject {
  /** Equal for all statements about one object. */
  readonly id: string;
  /** The schema that the object is in; undefined for those that are in none. */
  readonly schema?: string;
}

/** ALTER … OWNER and GRANT call one object by different kinds: a view is altered as a table, an aggregate's EXECUTE is a function's. */
const sharedNamespaces: Readonly<Record<string, string>> = {
  OBJECT_VIEW: "OBJECT_TABLE",
  OBJECT_MATVIEW: "OBJECT_TABLE",
  OBJECT_SEQUENCE: "OBJECT_TABLE",
  OBJECT_FOREIGN_TABLE: "OBJECT_TABLE",
  OBJECT_PROCEDURE: "OBJECT_FUNCTION",
  OBJECT_AGGREGATE: "OBJECT_FUNCTION",
  OBJECT_ROUTINE: "OBJECT_FUNCTION",
  OBJECT_DOMAIN: "OBJECT_TYPE",
};

/** The subject of an ALTER … OWNER TO, a GRANT or a REVOKE; undefined for other statements. */
export function subjectOf(tree: Node): StatementSubject | undefined {
  if ("AlterOwnerStmt" in tree) return subject(tree.AlterOwnerStmt.objectType, tree.AlterOwnerStmt.object);
  if ("GrantStmt" in tree) return subject(tree.GrantStmt.objtype, tree.GrantStmt.objects?.[0]);
  if ("AlterTableStmt" in tree) {
    const { relation, cmds, objtype } = tree.AlterTableStmt;
    const changesOwner = (cmds ?? []).some(
      (node) => "AlterTableCmd" in node && node.AlterTableCmd.subtype === "AT_ChangeOwner",
    );
    if (changesOwner && relation !== undefined) return subject(objtype, { RangeVar: relation });
  }
  return undefined;
}

/** The sequence that ALTER SEQUENCE … OWNED BY ties to a column; undefined for other statements. */
export function tiedSequence(tree: Node): StatementSubject | undefined {
  if (!("AlterSeqStmt" in tree) || tree.AlterSeqStmt.sequence === undefined) return undefined;
  const { sequence, options } = tree.AlterSeqStmt;
  const ties = (options ?? []).some((node) => "DefElem" in node && node.DefElem.defname === "owned_by");
  return ties ? subject("OBJECT_SEQUENCE", { RangeVar: sequence }) : undefined;
}

/** Whether the statement is one by which a table begins to hide rows: ALTER TABLE … ENABLE or FORCE ROW LEVEL SECURITY. */
export function hidesRows(tree: Node): boolean {
  if (!("AlterTableStmt" in tree)) return false;
  return (tree.AlterTableStmt.cmds ?? []).some(
    (node) =>
      "AlterTableCmd" in node &&
      ["AT_EnableRowSecurity", "AT_ForceRowSecurity"].includes(node.AlterTableCmd.subtype ?? ""),
  );
}

function subject(type: string | undefined, object: Node | undefined): StatementSubject | undefined {
  if (type === undefined || object === undefined) return undefined;
  const names = namesOf(object);
  // An operator class's name begins with its access method.
  const schema = names.at(-2);
  const id = JSON.stringify([sharedNamespaces[type] ?? type, names, argumentsOf(object)]);
  return schema === undefined ? { id } : { id, schema };
}

function namesOf(node: Node): string[] {
  if ("RangeVar" in node) {
    return [node.RangeVar.schemaname, node.RangeVar.relname].filter((name) => name !== undefined);
  }
  if ("ObjectWithArgs" in node) return (node.ObjectWithArgs.objname ?? []).flatMap(namesOf);
  if ("TypeName" in node) return (node.TypeName.names ?? []).flatMap(namesOf);
  if ("List" in node) return (node.List.items ?? []).flatMap(namesOf);
  if ("String" in node) return node.String.sval === undefined ? [] : [node.String.sval];
  if ("Integer" in node) return [String(node.Integer.ival ?? 0)];
  if ("Float" in node) return [node.Float.fval ?? "0"];
  return [];
}

/** The types of a function's or operator's arguments, without where they were in the text. */
function argumentsOf(node: Node): unknown {
  if (!("ObjectWithArgs" in node)) return null;
  const { objargs } = node.ObjectWithArgs;
  return JSON.parse(JSON.stringify(objargs ?? [], (key, value: unknown) => (key === "location" ? undefined : value)));
}
