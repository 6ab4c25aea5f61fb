/** What an object of a schema is called in a message, read from the syntax tree of a statement about it. */
import type { FunctionParameter, Node, TypeName } from "libpg-query";
import { displayName } from "./display-name.js";

/** The names that SQL has for types that the parser gives their internal ones. */
const spelled: ReadonlyMap<string, string> = new Map([
  ["bool", "boolean"],
  ["bpchar", "character"],
  ["float4", "real"],
  ["float8", "double precision"],
  ["int2", "smallint"],
  ["int4", "integer"],
  ["int8", "bigint"],
  ["timestamptz", "timestamp with time zone"],
  ["timetz", "time with time zone"],
  ["varbit", "bit varying"],
  ["varchar", "character varying"],
]);

/** A type as SQL writes it, without its modifiers: "integer", "public.t[]". */
export function typeName({ names, arrayBounds }: TypeName): string {
  const [schema, name, ...rest] = (names ?? []).flatMap(namesIn);
  const builtIn = schema === "pg_catalog" && name !== undefined && rest.length === 0;
  const base = builtIn ? (spelled.get(name) ?? displayName(name)) : displayName(schema, name, ...rest);
  return `${base}${"[]".repeat(arrayBounds?.length ?? 0)}`;
}

/** The strings that make up an object's name; argument lists are left out. */
export function namesIn(node: Node): string[] {
  if ("String" in node) return node.String.sval === undefined ? [] : [node.String.sval];
  if ("List" in node) return (node.List.items ?? []).flatMap(namesIn);
  if ("ObjectWithArgs" in node) return (node.ObjectWithArgs.objname ?? []).flatMap(namesIn);
  if ("TypeName" in node) return (node.TypeName.names ?? []).flatMap(namesIn);
  if ("RangeVar" in node) {
    return [node.RangeVar.schemaname, node.RangeVar.relname].filter((name) => name !== undefined);
  }
  if ("Integer" in node) return [String(node.Integer.ival ?? 0)];
  return [];
}

/** A qualified name of several nodes. */
export function nameOf(names: readonly Node[] | undefined): string {
  return displayName(...(names ?? []).flatMap(namesIn));
}

/** "public.f(integer, text)": the arguments by which functions of one name are told apart. */
export function functionName(names: readonly Node[] | undefined, parameters: readonly Node[] | undefined): string {
  return `${nameOf(names)}(${inputTypes(parameters).join(", ")})`;
}

/** "(integer AS public.t)" */
export function castName(source: TypeName | undefined, target: TypeName | undefined): string {
  return `(${source === undefined ? "?" : typeName(source)} AS ${target === undefined ? "?" : typeName(target)})`;
}

/** "public.=== (integer, text)", "none" where it has no left argument. */
export function operatorName(
  names: readonly Node[] | undefined,
  left: TypeName | undefined,
  right: TypeName | undefined,
): string {
  const types = [left, right].map((type) => (type === undefined ? "none" : typeName(type)));
  const [schema, symbol] = (names ?? []).flatMap(namesIn);
  return `${symbol === undefined ? schema : `${displayName(schema)}.${symbol}`} (${types.join(", ")})`;
}

/** "public.x on public.t": what belongs to a relation, which the tree names first. */
function partName(names: readonly string[]): string {
  return names.length < 2
    ? displayName(...names)
    : `${displayName(names.at(-1))} on ${displayName(...names.slice(0, -1))}`;
}

/** The object of COMMENT, SECURITY LABEL, ALTER … OWNER and GRANT, of the given ObjectType. */
export function objectName(objectType: string | undefined, object: Node | undefined): string {
  if (object === undefined) return "";
  const items = "List" in object ? (object.List.items ?? []) : [];
  const [first, second] = items;
  switch (objectType) {
    case "OBJECT_CAST":
      return castName(typeIn(first), typeIn(second));
    case "OBJECT_TRANSFORM":
      return `for ${displayName(...(first === undefined ? [] : namesIn(first)))} language ${displayName(...(second === undefined ? [] : namesIn(second)))}`;
    case "OBJECT_OPERATOR":
      if ("ObjectWithArgs" in object) {
        const [left, right] = object.ObjectWithArgs.objargs ?? [];
        return operatorName(object.ObjectWithArgs.objname, typeIn(left), typeIn(right));
      }
      return displayName(...namesIn(object));
    case "OBJECT_OPCLASS":
    case "OBJECT_OPFAMILY": {
      const [method, ...name] = namesIn(object);
      return `${displayName(...name)} using ${method}`;
    }
    case "OBJECT_POLICY":
    case "OBJECT_RULE":
    case "OBJECT_TABCONSTRAINT":
    case "OBJECT_TRIGGER":
      return partName(namesIn(object));
    case "OBJECT_DOMCONSTRAINT":
      return `${displayName(...(second === undefined ? [] : namesIn(second)))} on ${displayName(...(first === undefined ? [] : namesIn(first)))}`;
    default:
      if ("ObjectWithArgs" in object) {
        const { objname, objargs } = object.ObjectWithArgs;
        return `${nameOf(objname)}(${(objargs ?? [])
          .flatMap((node) => typeIn(node) ?? [])
          .map(typeName)
          .join(", ")})`;
      }
      return displayName(...namesIn(object));
  }
}

function typeIn(node: Node | undefined): TypeName | undefined {
  return node !== undefined && "TypeName" in node ? node.TypeName : undefined;
}

function inputTypes(parameters: readonly Node[] | undefined): string[] {
  return (parameters ?? [])
    .flatMap((node): FunctionParameter[] => ("FunctionParameter" in node ? [node.FunctionParameter] : []))
    .filter(({ mode }) => mode !== "FUNC_PARAM_OUT" && mode !== "FUNC_PARAM_TABLE")
    .flatMap(({ argType }) => (argType === undefined ? [] : [typeName(argType)]));
}

/** The kinds of objects whose name has more than one word, as describe() writes them. */
const kindsOfSeveralWords =
  /^(access method|default privileges|domain constraint|event trigger|foreign table|foreign-data wrapper|large objects?|materialized view|operator class|operator family|security label|text search (?:configuration|dictionary|parser|template)|user mapping)\b/;

/** The kind of an object that a message names: "cast" of "cast (integer AS public.t)". */
export function objectKind(object: string): string {
  return kindsOfSeveralWords.exec(object)?.[1] ?? object.split(" ")[0] ?? "";
}
