/** What a statement of a dump is, read from its syntax tree. */
import type {
  AlterTableCmd,
  AlterTableStmt,
  Constraint,
  CreatePublicationStmt,
  DefineStmt,
  Node,
  RangeVar,
  VariableSetStmt,
} from "libpg-query";
import { qualifiedName, quoteIdentifier, quoteLiteral } from "../postgres/identifiers.js";
import { runAs } from "./act-as-owner.js";
import { displayName } from "./display-name.js";
import { refuseWhatIsNotDumped } from "./dumped-statements.js";
import { castName, functionName, nameOf, namesIn, objectName, operatorName, typeName } from "./object-name.js";
import type { SchemaStatement, StatementKind } from "./schema-statement.js";
import { withoutServerBookkeeping } from "./server-bookkeeping.js";
import type { ParsedStatement } from "./split-statements.js";
import { rolesIn } from "./statement-roles.js";
import { hidesRows, subjectOf, tiedSequence } from "./statement-subject.js";

/**
 * Classifies a dump's statements, in order. pg_dump's settings are not statements any more afterwards: apply-statements.ts
 * makes them itself. Those that mean something to the statements after them go into those: a table access method other
 * than heap, and the session authorization under which somebody else's grants are made.
 * @throws ServiceError UnexpectedStatement for what pg_dump does not write
 */
export function classifyStatements(parsed: readonly ParsedStatement[]): SchemaStatement[] {
  const statements: SchemaStatement[] = [];
  let accessMethod: string | undefined;
  let grantor: string | undefined;
  for (const { sql, tree } of parsed.flatMap((statement) => withoutServerBookkeeping(statement) ?? [])) {
    if ("VariableSetStmt" in tree) {
      const { name, kind } = tree.VariableSetStmt;
      if (name === "default_table_access_method") {
        accessMethod = settingValue(tree.VariableSetStmt) === "heap" ? undefined : sql;
      } else if (name === "session_authorization") {
        grantor = kind === "VAR_SET_VALUE" ? settingValue(tree.VariableSetStmt) : undefined;
      }
      continue;
    }
    if (isSetConfig(tree)) {
      continue;
    }
    refuseWhatIsNotDumped({ sql, tree });
    const statement = classifyStatement({ sql, tree });
    if (grantor !== undefined) {
      statements.push({
        ...statement,
        // SET SESSION AUTHORIZATION, as pg_dump has it, is for superusers.
        sql: runAs(grantor, sql),
        grantor,
        roles: unique([grantor, ...statement.roles]),
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
  return { sql, roles: unique(rolesIn(tree)), ...described, ...ownershipOf(tree), ...rowSecurityOf(tree) };
}

function ownershipOf(tree: Node): Pick<SchemaStatement, "subject" | "newOwner" | "owner" | "ties"> {
  const ties = tiedSequence(tree);
  if (ties !== undefined) return { ties };
  const [role] = rolesIn(tree);
  // pg_dump always says whose default privileges they are.
  if ("AlterDefaultPrivilegesStmt" in tree) return role === undefined ? {} : { owner: role };
  const subject = subjectOf(tree);
  if (subject === undefined) return {};
  return "GrantStmt" in tree || role === undefined ? { subject } : { subject, newOwner: role };
}

function rowSecurityOf(tree: Node): Pick<SchemaStatement, "hidesRows"> {
  return hidesRows(tree) ? { hidesRows: true } : {};
}

type Description = Pick<SchemaStatement, "kind" | "object" | "objectType" | "relation" | "foreignKey" | "quiet">;

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
    return { ...publication(tree.CreatePublicationStmt.pubname), ...quietPublication(tree.CreatePublicationStmt) };
  }
  if ("AlterPublicationStmt" in tree) {
    return publication(tree.AlterPublicationStmt.pubname);
  }
  if ("AlterStatsStmt" in tree) return named("tuning", "statistics", nameOf(tree.AlterStatsStmt.defnames));
  if ("CreateEventTrigStmt" in tree) return eventTrigger(tree.CreateEventTrigStmt.trigname);
  if ("AlterEventTrigStmt" in tree) return eventTrigger(tree.AlterEventTrigStmt.trigname);
  return describeOther(tree);
}

/** The statements that need no treatment of their own: only a name for messages. */
function describeOther(tree: Node): Description {
  if ("CreateStmt" in tree) return onTable("table", "table", tree.CreateStmt.relation);
  if ("CreateForeignTableStmt" in tree) {
    return onTable("other", "foreign table", tree.CreateForeignTableStmt.base?.relation);
  }
  if ("CreateTableAsStmt" in tree) return onTable("other", "materialized view", tree.CreateTableAsStmt.into?.rel);
  if ("ViewStmt" in tree) return onTable("other", "view", tree.ViewStmt.view);
  if ("CreateSeqStmt" in tree) return onTable("sequence", "sequence", tree.CreateSeqStmt.sequence);
  if ("AlterSeqStmt" in tree) return onTable("other", "sequence", tree.AlterSeqStmt.sequence);
  if ("CompositeTypeStmt" in tree) return onTable("type", "type", tree.CompositeTypeStmt.typevar);
  if ("CreateTrigStmt" in tree) {
    return onRelation("other", "trigger", tree.CreateTrigStmt.trigname, tree.CreateTrigStmt.relation);
  }
  if ("RuleStmt" in tree) return onRelation("other", "rule", tree.RuleStmt.rulename, tree.RuleStmt.relation);
  if ("CreateSchemaStmt" in tree) return named("schema", "schema", displayName(tree.CreateSchemaStmt.schemaname));
  if ("CreateEnumStmt" in tree) return named("type", "type", nameOf(tree.CreateEnumStmt.typeName));
  if ("AlterEnumStmt" in tree) return named("type", "type", nameOf(tree.AlterEnumStmt.typeName));
  if ("CreateRangeStmt" in tree) return named("type", "type", nameOf(tree.CreateRangeStmt.typeName));
  if ("CreateDomainStmt" in tree) return named("type", "domain", nameOf(tree.CreateDomainStmt.domainname));
  if ("AlterDomainStmt" in tree) return named("other", "domain", nameOf(tree.AlterDomainStmt.typeName));
  if ("AlterTypeStmt" in tree) return named("other", "type", nameOf(tree.AlterTypeStmt.typeName));
  if ("DefineStmt" in tree) return describeDefinition(tree.DefineStmt);
  return named("other", ...kindAndName(tree));
}

function named(kind: StatementKind, type: string, name: string): Description {
  return { kind, object: `${type} ${name}`.trimEnd() };
}

/** CREATE AGGREGATE, OPERATOR, TYPE (base and shell), COLLATION and TEXT SEARCH … */
function describeDefinition({ kind, defnames, args, definition }: DefineStmt): Description {
  const type = objectTypeWords(kind);
  if (kind === "OBJECT_TYPE") return named("type", type, nameOf(defnames));
  if (kind === "OBJECT_AGGREGATE") {
    const [parameters] = args ?? [];
    const list = parameters !== undefined && "List" in parameters ? parameters.List.items : undefined;
    return named("other", type, functionName(defnames, list));
  }
  if (kind === "OBJECT_OPERATOR") {
    const argument = (name: string) => {
      const found = (definition ?? []).find((node) => "DefElem" in node && node.DefElem.defname === name);
      const value = found !== undefined && "DefElem" in found ? found.DefElem.arg : undefined;
      return value !== undefined && "TypeName" in value ? value.TypeName : undefined;
    };
    return named("other", type, operatorName(defnames, argument("leftarg"), argument("rightarg")));
  }
  return named("other", type, nameOf(defnames));
}

/** pg_dump's other statements: the object's kind, and its name. */
function kindAndName(tree: Node): [kind: string, name: string] {
  if ("CreateFunctionStmt" in tree) {
    const { funcname, parameters, is_procedure } = tree.CreateFunctionStmt;
    return [is_procedure ? "procedure" : "function", functionName(funcname, parameters)];
  }
  if ("CreateCastStmt" in tree) {
    return ["cast", castName(tree.CreateCastStmt.sourcetype, tree.CreateCastStmt.targettype)];
  }
  if ("CreateTransformStmt" in tree) {
    const { type_name, lang } = tree.CreateTransformStmt;
    return ["transform", `for ${type_name === undefined ? "?" : typeName(type_name)} language ${displayName(lang)}`];
  }
  if ("CreateConversionStmt" in tree) return ["conversion", nameOf(tree.CreateConversionStmt.conversion_name)];
  if ("CreateOpClassStmt" in tree) {
    const { opclassname, amname } = tree.CreateOpClassStmt;
    return ["operator class", `${nameOf(opclassname)} using ${displayName(amname)}`];
  }
  if ("CreateOpFamilyStmt" in tree) {
    const { opfamilyname, amname } = tree.CreateOpFamilyStmt;
    return ["operator family", `${nameOf(opfamilyname)} using ${displayName(amname)}`];
  }
  if ("AlterOpFamilyStmt" in tree) {
    const { opfamilyname, amname } = tree.AlterOpFamilyStmt;
    return ["operator family", `${nameOf(opfamilyname)} using ${displayName(amname)}`];
  }
  if ("AlterOperatorStmt" in tree) {
    const object = tree.AlterOperatorStmt.opername;
    return ["operator", object === undefined ? "" : objectName("OBJECT_OPERATOR", { ObjectWithArgs: object })];
  }
  if ("CreatePLangStmt" in tree) return ["language", displayName(tree.CreatePLangStmt.plname)];
  if ("CreateAmStmt" in tree) return ["access method", displayName(tree.CreateAmStmt.amname)];
  if ("CreateFdwStmt" in tree) return ["foreign-data wrapper", displayName(tree.CreateFdwStmt.fdwname)];
  if ("CreateForeignServerStmt" in tree) return ["server", displayName(tree.CreateForeignServerStmt.servername)];
  if ("AlterTSConfigurationStmt" in tree) {
    return ["text search configuration", nameOf(tree.AlterTSConfigurationStmt.cfgname)];
  }
  if ("CreateStatsStmt" in tree) return ["statistics", nameOf(tree.CreateStatsStmt.defnames)];
  if ("AlterObjectDependsStmt" in tree) {
    const { objectType, object, relation, extname } = tree.AlterObjectDependsStmt;
    const name = objectName(objectType, object);
    const table = relation === undefined ? "" : ` on ${displayName(relation.schemaname, relation.relname)}`;
    return [
      `dependency of ${objectTypeWords(objectType)}`,
      `${name}${table} on extension ${displayName(extname?.sval)}`,
    ];
  }
  if ("AlterExtensionContentsStmt" in tree) {
    return ["extension", displayName(tree.AlterExtensionContentsStmt.extname)];
  }
  // "CreateSomethingStmt" reads as "create something".
  const [type = "statement"] = Object.keys(tree);
  return [words(type.replace(/Stmt$/, "").replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_")), ""];
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
  const tunes = commands.length > 0 && commands.every(({ subtype }) => isTuning(subtype, objtype));
  return {
    kind: tunes ? "tuning" : "other",
    object: `${object}${whatOf(command)}`,
    ...rest,
    ...(relation === undefined ? {} : quietTrigger(relation, command)),
  };
}

/**
 * A trigger that fires for a subscription's worker too (PostgreSQL docs, ALTER TABLE, ENABLE REPLICA and ALWAYS TRIGGER): what it does has been done on the
 * source, and arrives from there.
 */
function quietTrigger(table: RangeVar, command: AlterTableCmd | undefined): Pick<Description, "quiet"> {
  const { subtype, name } = command ?? {};
  const state =
    subtype === "AT_EnableAlwaysTrig" ? "always" : subtype === "AT_EnableReplicaTrig" ? "replica" : undefined;
  const { schemaname, relname } = table;
  if (state === undefined || name === undefined || schemaname === undefined || relname === undefined) return {};
  const alter = `alter table ${table.inh === true ? "" : "only "}${qualifiedName(schemaname, relname)}`;
  const trigger = quoteIdentifier(name);
  return {
    quiet: { until: `${alter} disable trigger ${trigger}`, awake: `${alter} enable ${state} trigger ${trigger}` },
  };
}

function publication(name: string | undefined): Description {
  return { kind: "publication", object: `publication ${displayName(name)}` };
}

/**
 * A publication makes its server refuse updates that it could not publish, and the target's version may be stricter than the source's: one that publishes nothing
 * refuses nothing. pg_dump always says what one publishes.
 */
function quietPublication({ pubname, options }: CreatePublicationStmt): Pick<Description, "quiet"> {
  const publish = (options ?? [])
    .flatMap((node) => ("DefElem" in node ? [node.DefElem] : []))
    .find(({ defname }) => defname === "publish")?.arg;
  const operations = publish !== undefined && "String" in publish ? publish.String.sval : undefined;
  if (pubname === undefined || operations === undefined) return {};
  const alter = (list: string) => `alter publication ${quoteIdentifier(pubname)} set (publish = ${quoteLiteral(list)})`;
  return { quiet: { until: alter(""), awake: alter(operations) } };
}

/** What of the table the command is about: its trigger, its column. */
function whatOf(command: AlterTableCmd | undefined): string {
  const { subtype, name } = command ?? {};
  if (name === undefined || subtype === undefined) return "";
  if (/Trig/.test(subtype)) return `, trigger ${displayName(name)}`;
  if (/Rule/.test(subtype)) return `, rule ${displayName(name)}`;
  return /Column|Set|Default|Identity|Drop|Expression/.test(subtype) ? `, column ${displayName(name)}` : "";
}

/** Commands that change how rows are stored or planned for, and neither the rows nor what may be done with them. */
function isTuning(subtype: string | undefined, objectType: string | undefined): boolean {
  switch (subtype) {
    case "AT_ClusterOn":
    case "AT_SetCompression":
    case "AT_SetOptions":
    case "AT_SetStatistics":
    case "AT_SetStorage":
      return true;
    case "AT_SetRelOptions":
      // A view's options are security_barrier and the like.
      return objectType !== "OBJECT_VIEW";
    default:
      return false;
  }
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
    object: `${verb}${objectTypeWords(objtype)} ${objectName(objtype, object)}`,
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

function onTable(kind: StatementKind, type: string, relation: RangeVar | undefined): Description {
  const table = relationOf(relation);
  return { kind, object: `${type} ${displayName(table?.schema, table?.name)}`, ...withRelation(table) };
}

function relationOf(range: RangeVar | undefined): { schema: string; name: string } | undefined {
  return range?.schemaname === undefined || range.relname === undefined
    ? undefined
    : { schema: range.schemaname, name: range.relname };
}

function withRelation(relation: { schema: string; name: string } | undefined): Pick<Description, "relation"> {
  return relation === undefined ? {} : { relation };
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
    OBJECT_OPCLASS: "operator class",
    OBJECT_OPFAMILY: "operator family",
    OBJECT_TSPARSER: "text search parser",
    OBJECT_TSTEMPLATE: "text search template",
    OBJECT_FOREIGN_SERVER: "server",
  };
  return type === undefined ? "object" : (said[type] ?? words(type.replace("OBJECT_", "")));
}

function words(constant: string): string {
  return constant.replaceAll("_", " ").toLowerCase();
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
