/** What the rest of the service knows about one statement of a schema dump. */

import type { StatementSubject } from "./statement-subject.js";

/** A table, partitioned table or materialized view. */
export interface RelationName {
  readonly schema: string;
  readonly name: string;
}

export type StatementKind =
  /** create extension */
  | "extension"
  /** create index */
  | "index"
  /** primary key, unique and exclusion constraints: they build an index */
  | "constraint"
  /** foreign keys that are validated against the rows */
  | "foreignKey"
  /** check and not-null constraints that are added apart from their table and validated against its rows */
  | "check"
  | "comment"
  | "owner"
  /** grant and revoke */
  | "grant"
  | "defaultPrivileges"
  | "policy"
  | "userMapping"
  | "publication"
  | "securityLabel"
  | "eventTrigger"
  /** what the rows need: without it the database cannot be migrated */
  | "table"
  | "type"
  | "schema"
  | "sequence"
  /** compression, storage, statistics targets and other parameters that change no row and no meaning */
  | "tuning"
  /** filling a materialized view */
  | "refresh"
  /** ANALYZE */
  | "analyze"
  /** what ALTER DATABASE and GRANT ON DATABASE give the database itself */
  | "databaseProperty"
  | "other";

export interface SchemaStatement {
  /** One statement; several where it needs a setting of its own around it. Runs as one simple query. */
  readonly sql: string;
  readonly kind: StatementKind;
  /** Readable, for messages: "index public.orders_by_day". */
  readonly object: string;
  /** Its place in the plan: what is to be run by hand is run in this order. */
  readonly order?: number;
  /** What the statement is about, in PostgreSQL's words (ObjectType), where it is about one object: "TABLE", "EVENT_TRIGGER". */
  readonly objectType?: string;
  /** The table or materialized view that it belongs to. */
  readonly relation?: RelationName;
  /** For a foreign key: its name, and the table that it refers to. */
  readonly foreignKey?: { readonly name: string; readonly references: RelationName };
  /** What an ownership or a privilege is about. */
  readonly subject?: StatementSubject;
  /** For an ownership: who gets it. */
  readonly newOwner?: string;
  /** Who owns what it is about by the time that it runs: a user that is no superuser runs it as him. */
  readonly owner?: string;
  /** For a privilege that somebody else than the owner has granted: who. The statement runs as him. */
  readonly grantor?: string;
  /** The sequence that it ties to a column, which then has the owner of the column's table. */
  readonly ties?: StatementSubject;
  /** Whether the table's rows are hidden from then on: not before they have been counted. */
  readonly hidesRows?: true;
  /** For what would act while an online migration applies changes: how it is kept quiet until the cutover, and woken then. */
  readonly quiet?: { readonly until: string; readonly awake: string };
  /** Roles that it names, apart from public: the owner, grantees and grantors, the roles of a policy. */
  readonly roles: readonly string[];
}
