/** What the rest of the service knows about one statement of a schema dump. */

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
  /** Roles that it names, apart from public: the owner, grantees and grantors, the roles of a policy. */
  readonly roles: readonly string[];
}
