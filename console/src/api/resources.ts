/** The API's answers as the console reads them (docs/api.md); fields that it does not show are left out. */
import type {
  DatabaseState as DatabaseStateName,
  MigrationState as MigrationStateName,
  MigrationSubstate as MigrationSubstateName,
  PartState as PartStateName,
} from "../../../shared/model/states.js";

export type MigrationState = MigrationStateName;
export type MigrationSubstate = MigrationSubstateName;
export type DatabaseState = DatabaseStateName;
export type PartState = PartStateName;

export interface ServerId {
  readonly subscription: string;
  readonly resourceGroup: string;
  readonly server: string;
}
export interface MigrationId extends ServerId {
  readonly name: string;
}

export type Flag = "True" | "False";
export type MigrationMode = "Offline" | "Online";
export type MigrationOption = "Validate" | "Migrate" | "ValidateAndMigrate";
export type SslMode = "Prefer" | "Require" | "VerifyCA" | "VerifyFull";

export interface TargetServer {
  readonly id: string;
  readonly name: string;
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly migrations: number;
  readonly activeMigrations: number;
  readonly waitingMigrations: number;
  readonly lastStartedOn?: string;
}

/** ARM's DatabaseMigrationState. */
export interface DatabaseDetails {
  readonly databaseName: string;
  readonly migrationState?: DatabaseState;
  readonly startedOn?: string;
  readonly endedOn?: string;
  readonly fullLoadQueuedTables?: number;
  readonly fullLoadErroredTables?: number;
  readonly fullLoadLoadingTables?: number;
  readonly fullLoadCompletedTables?: number;
  readonly message?: string;
}

export interface Migration {
  readonly id: string;
  readonly name: string;
  readonly location: string;
  readonly systemData?: { readonly createdAt?: string; readonly createdBy?: string; readonly lastModifiedAt?: string };
  readonly properties: {
    readonly migrationId: string;
    readonly currentStatus: {
      readonly state: MigrationState;
      readonly error?: string | null;
      readonly currentSubStateDetails?: {
        readonly currentSubState?: MigrationSubstate;
        readonly dbDetails?: Readonly<Record<string, DatabaseDetails>>;
      };
    };
    readonly migrationMode: MigrationMode;
    readonly migrationOption: MigrationOption;
    readonly sourceType?: string;
    readonly sslMode?: SslMode;
    readonly sourceDbServerMetadata?: { readonly version?: string };
    readonly targetDbServerMetadata?: { readonly version?: string };
    readonly sourceDbServerResourceId?: string;
    readonly sourceDbServerFullyQualifiedDomainName?: string;
    readonly targetDbServerFullyQualifiedDomainName?: string;
    readonly dbsToMigrate: readonly string[];
    readonly overwriteDbsInTarget?: Flag;
    readonly migrateRoles?: Flag;
    readonly setupLogicalReplicationOnSourceDbIfNeeded?: Flag;
    readonly startDataMigration?: Flag;
    readonly migrationWindowStartTimeInUtc?: string;
    readonly migrationWindowEndTimeInUtc?: string;
    readonly triggerCutover?: Flag;
    readonly cancel?: Flag;
    /** Beside ARM's: whatever of these an answer has. */
    readonly verification?: string;
    readonly [other: string]: unknown;
  };
}

/** One database of `GET …/databases`. Bytes, rows, seconds. */
export interface DatabaseProgress {
  readonly database: string;
  readonly state?: DatabaseState;
  readonly currentStep?: string;
  readonly message?: string;
  readonly warnings: readonly string[];
  readonly tablesQueued: number;
  readonly tablesLoading: number;
  readonly tablesCompleted: number;
  readonly tablesErrored: number;
  readonly bytesTotal: number;
  readonly bytesCopied: number;
  readonly rowsCopied: number;
  readonly attempt: number;
  readonly startedOn?: string;
  readonly endedOn?: string;
  readonly updatedOn?: string;
  /** Online migrations. */
  readonly latencySeconds?: number;
  readonly incomingChanges?: number;
  readonly appliedChanges?: number;
  readonly insertedRows?: number;
  readonly updatedRows?: number;
  readonly deletedRows?: number;
  readonly caughtUp?: boolean;
  readonly sampledOn?: string;
  readonly cutoverOn?: string;
}

export interface TablePart {
  readonly part: number;
  readonly parts: number;
  readonly state: PartState;
  readonly instance?: string;
  readonly rows: number;
  readonly bytes: number;
  readonly startedOn?: string;
  readonly endedOn?: string;
  readonly attempt?: number;
  readonly error?: string;
}

export interface TableProgress {
  readonly database: string;
  readonly schemaName: string;
  readonly tableName: string;
  readonly state: PartState;
  readonly rows: number;
  readonly bytes: number;
  readonly bytesEstimated: number;
  readonly startedOn?: string;
  readonly endedOn?: string;
  readonly error?: string;
  readonly verified?: string;
  /** What both servers have computed of the rows, where they are verified by checksums. */
  readonly checksum?: string;
  readonly parts: readonly TablePart[];
}

export type RuleState = "Failed" | "Warning" | "Succeeded";

/** One rule of `GET …/validations`. */
export interface RuleOutcome {
  readonly level: "server" | "database";
  readonly database?: string;
  readonly rule: string;
  readonly title: string;
  readonly state: RuleState;
  readonly durationMs: number;
  readonly startedOn?: string;
  readonly endedOn?: string;
  readonly remedy?: string;
  readonly messages: readonly { readonly state: RuleState; readonly message: string }[];
}

export type StatementFate = "applied" | "leftOut" | "refused";

/** One statement of `GET …/statements`. */
export interface SchemaStatement {
  readonly order: number;
  /** Undefined for what belongs to the server: roles. */
  readonly database?: string;
  readonly object: string;
  readonly kind: string;
  readonly fate: StatementFate;
  readonly code?: string;
  readonly message?: string;
  readonly statement: string;
  readonly remedy?: string;
}

/** One change of `GET …/transitions`. */
export interface TransitionRecord {
  readonly sequence: number;
  readonly time: string;
  readonly state: MigrationState;
  readonly substate?: MigrationSubstate;
  readonly error?: string;
}

/** One point of `GET …/samples`: a database at a time. Bytes, seconds. */
export interface Sample {
  readonly database: string;
  readonly time: string;
  readonly bytesCopied?: number;
  readonly bytesTotal?: number;
  readonly latencySeconds?: number;
  readonly incomingChanges?: number;
  readonly appliedChanges?: number;
}

export type Probe = { readonly server: string; readonly user: string } & (
  | {
      readonly reachable: true;
      readonly version: string;
      readonly majorVersion: number;
      readonly location?: string;
      readonly administrator?: string;
      readonly tls: { readonly inUse: boolean; readonly version?: string };
      readonly databases: number;
      readonly sizeBytes: number;
      readonly milliseconds: number;
      readonly superuser: boolean;
      readonly mayCreateDatabases: boolean;
      readonly mayReplicate: boolean;
      readonly walLevel: string;
      readonly freeReplicationSlots: number;
      readonly freeWalSenders: number;
    }
  | { readonly reachable: false; readonly error: { readonly code: string; readonly message: string } }
);

export interface ListedDatabase {
  readonly name: string;
  readonly sizeBytes?: number;
  readonly encoding: string;
  readonly collation: string;
  readonly owner: string;
}

/** What is in a database: `POST …/describeSourceDatabase`. */
export interface DatabaseContents {
  readonly tables: number;
  readonly largestTable?: { readonly schemaName: string; readonly tableName: string; readonly bytes: number };
  readonly largeObjects: number;
  readonly tablesWithoutIdentity: number;
  readonly extensions: readonly { readonly name: string; readonly version: string }[];
}

/** One database of `GET …/cutoverReadiness`. */
export interface CutoverReadiness {
  readonly database: string;
  readonly problem?: string;
  /** Transactions on the source that have written, or may, in this database. */
  readonly openTransactions?: number;
  readonly seesAllTransactions?: boolean;
  readonly pendingBytes?: number;
  readonly latencySeconds?: number;
  readonly tablesNotReplicated?: readonly string[];
  readonly tablesWithoutIdentity?: readonly string[];
  readonly sequences?: number;
  readonly largeObjects?: number;
  readonly materializedViews?: number;
}
