/**
 * The kinds of statements that pg_dump writes for a schema: nothing else is run on a target, whose user may be its superuser. Who is a superuser of
 * the source can make pg_dump's text say anything, e.g. by a function in place of pg_get_viewdef(). By the syntax tree of PostgreSQL's own parser, and
 * by enumeration of pg_dump's dump functions (pg_dump.c, version 18) with the options of schema-dump.ts: whatever is new there is told, not run.
 */
import type { Node } from "libpg-query";
import { ServiceError } from "../model/service-error.js";
import type { ParsedStatement } from "./split-statements.js";

/** SET and set_config(), which pg_dump begins with, are not among them: they are not run, apply-statements.ts has its own. */
const dumped: ReadonlySet<string> = new Set([
  "AlterDefaultPrivilegesStmt",
  "AlterDomainStmt",
  "AlterEventTrigStmt",
  "AlterObjectDependsStmt",
  "AlterOpFamilyStmt",
  "AlterOperatorStmt",
  "AlterOwnerStmt",
  "AlterPublicationStmt",
  "AlterSeqStmt",
  "AlterStatsStmt",
  "AlterTSConfigurationStmt",
  "AlterTableStmt",
  "AlterTypeStmt",
  "CommentStmt",
  "CompositeTypeStmt",
  "CreateAmStmt",
  "CreateCastStmt",
  "CreateConversionStmt",
  "CreateDomainStmt",
  "CreateEnumStmt",
  "CreateEventTrigStmt",
  "CreateExtensionStmt",
  "CreateFdwStmt",
  "CreateForeignServerStmt",
  "CreateForeignTableStmt",
  "CreateFunctionStmt",
  "CreateOpClassStmt",
  "CreateOpFamilyStmt",
  "CreatePLangStmt",
  "CreatePolicyStmt",
  "CreatePublicationStmt",
  "CreateRangeStmt",
  "CreateSchemaStmt",
  "CreateSeqStmt",
  "CreateStatsStmt",
  "CreateStmt",
  "CreateTableAsStmt",
  "CreateTransformStmt",
  "CreateTrigStmt",
  "CreateUserMappingStmt",
  "DefineStmt",
  "GrantStmt",
  "IndexStmt",
  "RuleStmt",
  "SecLabelStmt",
  "ViewStmt",
]);

/** What belongs to the whole server: comments, owners, labels and privileges of these are not in the dump of a database. */
const ofTheServer: ReadonlySet<string> = new Set([
  "OBJECT_DATABASE",
  "OBJECT_PARAMETER_ACL",
  "OBJECT_ROLE",
  "OBJECT_SUBSCRIPTION",
  "OBJECT_TABLESPACE",
]);

/** Characters of a statement that are shown. */
const shownLength = 300;

/** @throws ServiceError UnexpectedStatement with the statement, for what pg_dump does not write. */
export function refuseWhatIsNotDumped({ sql, tree }: ParsedStatement): void {
  if (isDumped(tree)) return;
  const shown = sql.length > shownLength ? `${sql.slice(0, shownLength)}…` : sql;
  throw new ServiceError(
    "UnexpectedStatement",
    `The source's schema holds a statement that pg_dump does not write, and it was not run: ${shown}. Nothing of the schema was applied. Find out who has ` +
      "changed the source's system catalogs or functions in pg_catalog, and do not run its dump with any other tool either.",
  );
}

function isDumped(tree: Node): boolean {
  const [[kind, statement] = ["", {}]] = Object.entries(tree) as [string, Readonly<Record<string, unknown>>][];
  switch (kind) {
    case "CreateTableAsStmt":
      // A materialized view without its rows; CREATE TABLE AS would run a query.
      return statement.objtype === "OBJECT_MATVIEW" && skipsData(statement.into);
    case "CreateSchemaStmt":
      // A schema may be created with objects in it.
      return statement.schemaElts === undefined;
    case "AlterOwnerStmt":
      return !ofTheServer.has(String(statement.objectType));
    case "CommentStmt":
    case "SecLabelStmt":
    case "GrantStmt":
      return !ofTheServer.has(String(statement.objtype));
    default:
      return dumped.has(kind);
  }
}

function skipsData(into: unknown): boolean {
  return typeof into === "object" && into !== null && "skipData" in into && into.skipData === true;
}
