/**
 * A migration as the service carries it out: what the ARM resource asked for, with every default filled in.
 * It is the root orchestration's input, so it holds no secret (design invariant 7).
 */
import { z } from "zod";
import { Verification } from "./verification.js";

export const migrationModes = ["Offline", "Online"] as const;
export const migrationOptions = ["Validate", "Migrate", "ValidateAndMigrate"] as const;
export const sslModes = ["Prefer", "Require", "VerifyCA", "VerifyFull"] as const;

/** How we prove who we are to a server: by a password, or by a token of Microsoft Entra, which is fetched anew for every session. */
export const authentications = ["Password", "Entra"] as const;
export type Authentication = (typeof authentications)[number];

export type MigrationMode = (typeof migrationModes)[number];
export type MigrationOption = (typeof migrationOptions)[number];

export const SslMode = z.enum(sslModes);
export type SslMode = z.infer<typeof SslMode>;

/** One PostgreSQL server and the user that we are there; the password travels apart (ServerPasswords). */
export const ServerEndpoint = z.object({
  host: z.string(),
  port: z.number().int(),
  user: z.string(),
  sslMode: SslMode,
  /** Undefined: by password. */
  authentication: z.literal("Entra").optional(),
});
export type ServerEndpoint = z.infer<typeof ServerEndpoint>;

export const MigrationSpec = z.object({
  /** migrationKey(server, name): the orchestration's instance ID and the PartitionKey of everything about the migration. */
  key: z.string(),
  subscriptionId: z.string(),
  resourceGroup: z.string(),
  server: z.string(),
  name: z.string(),
  mode: z.enum(migrationModes),
  option: z.enum(migrationOptions),
  source: ServerEndpoint,
  target: ServerEndpoint,
  /** One to eight, in the order asked for. */
  databases: z.array(z.string()),
  overwriteDbsInTarget: z.boolean(),
  migrateRoles: z.boolean(),
  /** How its tables are verified, and how they are at an online migration's cutover; undefined: as the app's settings say. */
  verification: Verification.optional(),
  verifyAtCutover: Verification.optional(),
  setupLogicalReplicationOnSourceDbIfNeeded: z.boolean(),
  startDataMigration: z.boolean(),
  /** ISO 8601, UTC. */
  migrationWindowStartTimeInUtc: z.string().optional(),
  migrationWindowEndTimeInUtc: z.string().optional(),
});
export type MigrationSpec = z.infer<typeof MigrationSpec>;

/** The two secrets of a migration, in plaintext: in memory only. */
export interface ServerPasswords {
  readonly source: string;
  readonly target: string;
}

/**
 * The key of a migration: a pure function of target server and name, compared without case, so that a repeated PUT finds
 * the same orchestration. Server and name hold letters, digits and hyphens only, so "_" cannot make two pairs collide and
 * the key is a legal instance ID, PartitionKey and RowKey.
 */
export function migrationKey(server: string, name: string): string {
  return `${server.toLowerCase()}_${name.toLowerCase()}`;
}
