/** A migration that is being made: what has been entered, what is wrong with it, and the request that it becomes. */
import type { Flag, MigrationMode, MigrationOption, ServerId, SslMode } from "../../api/resources.js";

export interface ServerDraft {
  readonly host: string;
  readonly port: string;
  readonly user: string;
  readonly password: string;
  /** An Azure server, in the place of host and port. */
  readonly resourceId: string;
}

export interface Draft {
  readonly name: string;
  readonly sourceType: string;
  readonly option: MigrationOption;
  readonly mode: MigrationMode;
  readonly when: "now" | "later" | "window";
  /** Local times as <input type="datetime-local"> has them. */
  readonly windowStart: string;
  readonly windowEnd: string;
  /** "Default": nothing is said, and the service decides by each server's name. */
  readonly sslMode: SslMode | "Default";
  readonly byResource: boolean;
  readonly source: ServerDraft;
  readonly target: ServerDraft;
  readonly databases: readonly string[];
  readonly overwrite: boolean;
  readonly migrateRoles: boolean;
  readonly verification: Verification;
  readonly setUpReplication: boolean;
}

export const verifications = ["Checksums", "Counts"] as const;
export type Verification = (typeof verifications)[number];

const noServer: ServerDraft = { host: "", port: "5432", user: "", password: "", resourceId: "" };

export const emptyDraft: Draft = {
  name: "",
  sourceType: "OnPremises",
  option: "ValidateAndMigrate",
  mode: "Offline",
  when: "now",
  windowStart: "",
  windowEnd: "",
  sslMode: "Default",
  byResource: false,
  source: noServer,
  target: noServer,
  databases: [],
  overwrite: false,
  migrateRoles: false,
  verification: "Checksums",
  setUpReplication: false,
};

export const stepNames = ["setup", "source", "target", "databases", "summary"] as const;
export type StepName = (typeof stepNames)[number];

const legalName = /^[a-z0-9][a-z0-9-]{0,62}$/i;

export function nameIsLegal(name: string): boolean {
  return legalName.test(name);
}

export function portIsLegal(port: string): boolean {
  return /^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535;
}

/** A host has no port, path or user in it; an IPv6 address has colons, and may stand in brackets. */
export function hostIsLegal(host: string): boolean {
  return /^\[?[0-9a-f:]*:[0-9a-f:.]*\]?$/i.test(host) || /^[^\s:/@[\]]+$/.test(host);
}

export function resourceIsLegal(id: string): boolean {
  return /^\/subscriptions\/[^/]+\/.+/i.test(id);
}

export function windowIsLegal({ windowStart, windowEnd }: Draft): boolean {
  const start = Date.parse(windowStart);
  if (Number.isNaN(start) || start < Date.now()) return false;
  return windowEnd === "" || Date.parse(windowEnd) > start;
}

/** Kinds of source that Azure itself runs: they have a resource ID. */
export function mayHaveResource(sourceType: string): boolean {
  return sourceType === "PostgreSQLSingleServer" || sourceType === "PostgreSQLFlexibleServer";
}

export function usesResource(draft: Draft): boolean {
  return mayHaveResource(draft.sourceType) && draft.byResource;
}

/** Whether everything that a server's step asks for has been entered. */
export function serverIsComplete(draft: Draft, side: "source" | "target"): boolean {
  const { host, port, user, password, resourceId } = draft[side];
  const address =
    side === "source" && usesResource(draft) ? resourceIsLegal(resourceId) : hostIsLegal(host) && portIsLegal(port);
  return address && user.trim() !== "" && password !== "";
}

export const maximumDatabases = 8;

/** Whether a step can be left for the summary; whether the servers answer is asked when one connects. */
export function stepIsComplete(draft: Draft, step: StepName): boolean {
  switch (step) {
    case "setup":
      return nameIsLegal(draft.name) && (draft.when !== "window" || windowIsLegal(draft));
    case "source":
    case "target":
      return serverIsComplete(draft, step);
    case "databases":
      return draft.databases.length > 0 && draft.databases.length <= maximumDatabases;
    case "summary":
      return stepNames.every((name) => name === "summary" || stepIsComplete(draft, name));
  }
}

const flag = (value: boolean): Flag => (value ? "True" : "False");

/** `host:port`, an IPv6 address in brackets. */
export function addressOf({ host, port }: ServerDraft): string {
  const bare = host.replace(/^\[|\]$/g, "");
  return `${bare.includes(":") ? `[${bare}]` : bare}:${port}`;
}

/** The server fields that every request about the two servers has; a side without a password is left out of it. */
export function serverProperties(draft: Draft, sides: readonly ("source" | "target")[] = ["source", "target"]) {
  const { source, target } = draft;
  const withSource = sides.includes("source");
  const withTarget = sides.includes("target");
  return {
    sourceType: draft.sourceType,
    ...(draft.sslMode !== "Default" && { sslMode: draft.sslMode }),
    ...(withSource &&
      (usesResource(draft)
        ? { sourceDbServerResourceId: source.resourceId.trim() }
        : { sourceDbServerResourceId: `${addressOf(source)}@${source.user.trim()}` })),
    ...(withTarget && { targetDbServerFullyQualifiedDomainName: addressOf(target) }),
    secretParameters: {
      adminCredentials: {
        ...(withSource && { sourceServerPassword: source.password }),
        ...(withTarget && { targetServerPassword: target.password }),
      },
      ...(withSource && { sourceServerUsername: source.user.trim() }),
      ...(withTarget && { targetServerUsername: target.user.trim() }),
    },
  };
}

/** The body of the PUT. */
export function requestOf(draft: Draft) {
  const moves = draft.option !== "Validate";
  return {
    properties: {
      migrationMode: draft.mode,
      migrationOption: draft.option,
      ...serverProperties(draft),
      dbsToMigrate: draft.databases,
      overwriteDbsInTarget: flag(draft.overwrite),
      migrateRoles: flag(draft.migrateRoles),
      ...(moves && { verification: draft.verification }),
      ...(draft.mode === "Online" && { setupLogicalReplicationOnSourceDbIfNeeded: flag(draft.setUpReplication) }),
      ...(moves && draft.when === "later" && { startDataMigration: "False" }),
      ...(moves &&
        draft.when === "window" && {
          migrationWindowStartTimeInUtc: new Date(draft.windowStart).toISOString(),
          ...(draft.windowEnd !== "" && { migrationWindowEndTimeInUtc: new Date(draft.windowEnd).toISOString() }),
        }),
    },
  };
}

/** The same without passwords, to be shown and copied. */
export function requestToShow(draft: Draft) {
  const hidden = { ...draft, source: { ...draft.source, password: "…" }, target: { ...draft.target, password: "…" } };
  return requestOf(hidden);
}

const storageKey = ({ subscription, resourceGroup, server }: ServerId) =>
  `draft:${subscription}/${resourceGroup}/${server}`;

/** Keeps a draft for this tab, but for its passwords. */
export function keepDraft(server: ServerId, draft: Draft): void {
  const { source, target } = draft;
  const kept: Draft = { ...draft, source: { ...source, password: "" }, target: { ...target, password: "" } };
  sessionStorage.setItem(storageKey(server), JSON.stringify(kept));
}

export function keptDraft(server: ServerId): Draft | undefined {
  const json = sessionStorage.getItem(storageKey(server));
  try {
    const kept = json === null ? undefined : (JSON.parse(json) as Partial<Draft>);
    return (
      kept && {
        ...emptyDraft,
        ...kept,
        source: { ...noServer, ...kept.source },
        target: { ...noServer, ...kept.target },
      }
    );
  } catch {
    // Another version of the console wrote it.
    return undefined;
  }
}

export function forgetDraft(server: ServerId): void {
  sessionStorage.removeItem(storageKey(server));
}
