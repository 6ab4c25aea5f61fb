/** What a statement of a dump is, read from its syntax tree. */
import type { AlterTableStmt, Constraint, Node, RangeVar, VariableSetStmt } from "libpg-query";
import { displayName } from "./display-name.js";
import type { SchemaStatement, StatementKind } from "./schema-statement.js";
import type { ParsedStatement } from "./split-statements.js";
import { rolesIn } from "./statement-roles.js";

/**
 * Classifies a dump's statements, in order. pg_dump's settings are not statements any more afterwards: apply-statements.ts
 * makes them itself. Those that mean something to the statements after them go into those: a table access method other
 * than heap, and the session authorization under which somebody else's grants are made.
 */
export function classifyStatements(parsed: readonly ParsedStatement[]): SchemaStatement[] {
  const statements: SchemaStatement[] = [];
  let accessMethod: string | undefined;
  let grantor: { role: string; sql: string } | undefined;
  for (const { sql, tree } of parsed) {
    if ("VariableSetStmt" in tree) {
      const { name, kind } = tree.VariableSetStmt;
      if (name === "default_table_access_method") {
        accessMethod = settingValue(tree.VariableSetStmt) === "heap" ? undefined : sql;
      } else if (name === "session_authorization") {
        const role = kind === "VAR_SET_VALUE" ? settingValue(tree.VariableSetStmt) : undefined;
        grantor = role === undefined ? undefined : { role, sql };
      }
      continue;
    }
    if (isSetConfig(tree)) {
      continue;
    }
    const statement = classifyStatement({ sql, tree });
    if (grantor !== undefined) {
      statements.push({
        ...statement,
        sql: `${grantor.sql};\n${sql};\nRESET SESSION AUTHORIZATION`,
        roles: unique([grantor.role, ...statement.roles]),
      });
    } else if (accessMethod !== undefined && createsTable(tree)) {
      statements.push({ ...statement, sql: `${accessMethod};\n${sql};\nRESET default_table_access_method` });
    } else {
      statements.push(statement);
    }
  }
  return statements;
}

/** Classifies one statement by its syntax tree. */
export function classifyStatement({ sql, tree }: ParsedStatement): SchemaStatement {
  const described = describe(tree);
  return { sql, roles: unique(rolesIn(tree)), ...described };
}

type Description = Pick<SchemaStatement, "kind" | "object" | "objectType" | "relation" | "foreignKey">;

function describe(tree: Node): Description {
  if ("IndexStmt" in tree) {
    const { idxname, relation } = tree.IndexStmt;
    const table = relationOf(relation);
    return {
      kind: "index",
      object: `index ${displayName(table?.schema, idxname)}`,
      ...withRelation(table),
    };
  }
  if ("AlterTableStmt" in tree) return describeAlterTable(tree.AlterTableStmt);
  if ("AlterOwnerStmt" in tree) {
    const { objectType, object } = tree.AlterOwnerStmt;
    return { kind: "owner", ...about("owner of ", objectType, object) };
  }
  if ("CommentStmt" in tree) {
    const { objtype, object } = tree.CommentStmt;
    return { kind: "comment", ...about("comment on ", objtype, object) };
  }
  if ("SecLabelStmt" in tree) {
    const { objtype, object } = tree.SecLabelStmt;
    return { kind: "securityLabel", ...about("security label on ", objtype, object) };
  }
  if ("GrantStmt" in tree) {
    const { objtype, objects } = tree.GrantStmt;
    return { kind: "grant", ...about("privileges on ", objtype, objects?.[0]) };
  }
  if ("AlterDefaultPrivilegesStmt" in tree) return { kind: "defaultPrivileges", object: "default privileges" };
  if ("CreateExtensionStmt" in tree) {
    return { kind: "extension", object: `extension ${displayName(tree.CreateExtensionStmt.extname)}` };
  }
  if ("CreatePolicyStmt" in tree) {
    const { policy_name, table } = tree.CreatePolicyStmt;
    return onRelation("policy", "policy", policy_name, table);
  }
  if ("CreateUserMappingStmt" in tree) {
    return {
      kind: "userMapping",
      object: `user mapping for server ${displayName(tree.CreateUserMappingStmt.servername)}`,
    };
  }
  if ("CreatePublicationStmt" in tree) {
    return { kind: "publication", object: `publication ${displayName(tree.CreatePublicationStmt.pubname)}` };
  }
  if ("AlterPublicationStmt" in tree) {
    return { kind: "publication", object: `publication ${displayName(tree.AlterPublicationStmt.pubname)}` };
  }
  if ("CreateEventTrigStmt" in tree) return eventTrigger(tree.CreateEventTrigStmt.trigname);
  if ("AlterEventTrigStmt" in tree) return eventTrigger(tree.AlterEventTrigStmt.trigname);
  return describeOther(tree);
}

/** The statements that need no treatment of their own: only a name for messages. */
function describeOther(tree: Node): Description {
  if ("CreateStmt" in tree) return onTable("table", tree.CreateStmt.relation);
  if ("CreateForeignTableStmt" in tree) return onTable("foreign table", tree.CreateForeignTableStmt.base?.relation);
  if ("CreateTableAsStmt" in tree) return onTable("materialized view", tree.CreateTableAsStmt.into?.rel);
  if ("ViewStmt" in tree) return onTable("view", tree.ViewStmt.view);
  if ("CreateSeqStmt" in tree) return onTable("sequence", tree.CreateSeqStmt.sequence);
  if ("AlterSeqStmt" in tree) return onTable("sequence", tree.AlterSeqStmt.sequence);
  if ("CompositeTypeStmt" in tree) return onTable("type", tree.CompositeTypeStmt.typevar);
  if ("CreateTrigStmt" in tree) {
    return onRelation("other", "trigger", tree.CreateTrigStmt.trigname, tree.CreateTrigStmt.relation);
  }
  if ("RuleStmt" in tree) return onRelation("other", "rule", tree.RuleStmt.rulename, tree.RuleStmt.relation);
  if ("CreateFunctionStmt" in tree) {
    const { funcname, is_procedure } = tree.CreateFunctionStmt;
    return { kind: "other", object: `${is_procedure ? "procedure" : "function"} ${nameOf(funcname)}` };
  }
  if ("CreateSchemaStmt" in tree)
    return { kind: "other", object: `schema ${displayName(tree.CreateSchemaStmt.schemaname)}` };
  if ("CreateEnumStmt" in tree) return { kind: "other", object: `type ${nameOf(tree.CreateEnumStmt.typeName)}` };
  if ("AlterEnumStmt" in tree) return { kind: "other", object: `type ${nameOf(tree.AlterEnumStmt.typeName)}` };
  if ("CreateRangeStmt" in tree) return { kind: "other", object: `type ${nameOf(tree.CreateRangeStmt.typeName)}` };
  if ("CreateDomainStmt" in tree)
    return { kind: "other", object: `domain ${nameOf(tree.CreateDomainStmt.domainname)}` };
  if ("AlterDomainStmt" in tree) return { kind: "other", object: `domain ${nameOf(tree.AlterDomainStmt.typeName)}` };
  if ("CreateStatsStmt" in tree)
    return { kind: "other", object: `statistics ${nameOf(tree.CreateStatsStmt.defnames)}` };
  if ("DefineStmt" in tree) {
    return { kind: "other", object: `${objectTypeWords(tree.DefineStmt.kind)} ${nameOf(tree.DefineStmt.defnames)}` };
  }
  // "CreateFdwStmt" reads as "create fdw".
  const [type = "statement"] = Object.keys(tree);
  return { kind: "other", object: words(type.replace(/Stmt$/, "").replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_")) };
}

function describeAlterTable({ relation, objtype, cmds }: AlterTableStmt): Description {
  const name = relationOf(relation);
  const type = objectTypeWords(objtype);
  const objectType = objtype?.replace("OBJECT_", "");
  const object = `${type} ${displayName(name?.schema, name?.name)}`;
  // "alter index" names the index, whose table the tree does not tell.
  const rest = {
    ...(objectType === undefined ? {} : { objectType }),
    ...(objtype === "OBJECT_TABLE" || objtype === "OBJECT_MATVIEW" || objtype === "OBJECT_FOREIGN_TABLE"
      ? withRelation(name)
      : {}),
  };
  const commands = (cmds ?? []).flatMap((node) => ("AlterTableCmd" in node ? [node.AlterTableCmd] : []));
  const [command] = commands;
  if (command?.subtype === "AT_ChangeOwner") return { kind: "owner", object: `owner of ${object}`, ...rest };
  if (command?.subtype === "AT_AddConstraint" && command.def !== undefined && "Constraint" in command.def) {
    const constraint = command.def.Constraint;
    return {
      kind: constraintKind(constraint),
      object: `constraint ${displayName(constraint.conname)} on ${object}`,
      ...foreignKeyOf(constraint),
      ...rest,
    };
  }
  return { kind: "other", object, ...rest };
}

/** Only constraints that read all rows take long; NOT VALID and NOT ENFORCED ones are a line in the catalog. */
function constraintKind({ contype, skip_validation, is_enforced }: Constraint): StatementKind {
  switch (contype) {
    case "CONSTR_PRIMARY":
    case "CONSTR_UNIQUE":
    case "CONSTR_EXCLUSION":
      return "constraint";
    case "CONSTR_FOREIGN":
      return skip_validation || is_enforced !== true ? "other" : "foreignKey";
    case "CONSTR_CHECK":
      return skip_validation || is_enforced !== true ? "other" : "check";
    case "CONSTR_NOTNULL":
      return skip_validation ? "other" : "check";
    default:
      return "other";
  }
}

function foreignKeyOf({ contype, conname, pktable }: Constraint): Pick<Description, "foreignKey"> {
  const references = relationOf(pktable);
  return contype === "CONSTR_FOREIGN" && conname !== undefined && references !== undefined
    ? { foreignKey: { name: conname, references } }
    : {};
}

function eventTrigger(name: string | undefined): Description {
  return { kind: "eventTrigger", object: `event trigger ${displayName(name)}`, objectType: "EVENT_TRIGGER" };
}

function about(verb: string, objtype: string | undefined, object: Node | undefined): Omit<Description, "kind"> {
  const names = object === undefined ? [] : namesIn(object);
  const [schema, name] = names;
  return {
    object: `${verb}${objectTypeWords(objtype)} ${displayName(...names)}`,
    ...(objtype === undefined ? {} : { objectType: objtype.replace("OBJECT_", "") }),
    ...((objtype === "OBJECT_TABLE" || objtype === "OBJECT_MATVIEW") && schema !== undefined && name !== undefined
      ? { relation: { schema, name } }
      : {}),
  };
}

function onRelation(
  kind: StatementKind,
  type: string,
  name: string | undefined,
  relation: RangeVar | undefined,
): Description {
  const table = relationOf(relation);
  return {
    kind,
    object: `${type} ${displayName(name)} on ${displayName(table?.schema, table?.name)}`,
    ...withRelation(table),
  };
}

function onTable(type: string, relation: RangeVar | undefined): Description {
  const table = relationOf(relation);
  return { kind: "other", object: `${type} ${displayName(table?.schema, table?.name)}`, ...withRelation(table) };
}

function relationOf(range: RangeVar | undefined): { schema: string; name: string } | undefined {
  return range?.schemaname === undefined || range.relname === undefined
    ? undefined
    : { schema: range.schemaname, name: range.relname };
}

function withRelation(relation: { schema: string; name: string } | undefined): Pick<Description, "relation"> {
  return relation === undefined ? {} : { relation };
}

function nameOf(names: readonly Node[] | undefined): string {
  return displayName(...(names ?? []).flatMap(namesIn));
}

/** The strings that make up an object's name; argument lists are left out. */
function namesIn(node: Node): string[] {
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

function settingValue({ args }: VariableSetStmt): string | undefined {
  const [value] = args ?? [];
  return value !== undefined && "A_Const" in value ? value.A_Const.sval?.sval : undefined;
}

function isSetConfig(tree: Node): boolean {
  if (!("SelectStmt" in tree)) return false;
  const [target] = tree.SelectStmt.targetList ?? [];
  const value = target !== undefined && "ResTarget" in target ? target.ResTarget.val : undefined;
  return (
    value !== undefined &&
    "FuncCall" in value &&
    (value.FuncCall.funcname ?? []).flatMap(namesIn).join(".") === "pg_catalog.set_config"
  );
}

function createsTable(tree: Node): boolean {
  return "CreateStmt" in tree || "CreateTableAsStmt" in tree;
}

function objectTypeWords(type: string | undefined): string {
  const said: Record<string, string> = {
    OBJECT_MATVIEW: "materialized view",
    OBJECT_TABCONSTRAINT: "constraint",
    OBJECT_DOMCONSTRAINT: "domain constraint",
    OBJECT_TSCONFIGURATION: "text search configuration",
    OBJECT_TSDICTIONARY: "text search dictionary",
    OBJECT_STATISTIC_EXT: "statistics",
    OBJECT_FDW: "foreign-data wrapper",
  };
  return type === undefined ? "object" : (said[type] ?? words(type.replace("OBJECT_", "")));
}

function words(constant: string): string {
  return constant.replaceAll("_", " ").toLowerCase();
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
