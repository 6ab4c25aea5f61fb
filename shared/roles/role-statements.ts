/** Roles as SQL. Pure: what is applied to a target, and in which order, is decided in apply-roles.ts. */
import { quoteIdentifier, quoteLiteral } from "../postgres/identifiers.js";
import { setClause } from "../postgres/setting-statement.js";
import type { Membership, Role } from "./source-roles.js";

export interface RoleStatement {
  /** What it is about, e.g. `role shop_owner`. */
  readonly object: string;
  readonly kind: "role" | "password" | "attribute" | "setting" | "comment" | "security label" | "membership";
  /** Holds no secret: a password is kept apart. */
  readonly sql: string;
}

/** CREATE ROLE with what anybody with CREATEROLE may give. */
export function creationOf(role: Role): RoleStatement {
  const options = [
    role.login ? "login" : "nologin",
    role.inherit ? "inherit" : "noinherit",
    ...(role.connectionLimit === -1 ? [] : [`connection limit ${role.connectionLimit}`]),
    ...(role.validUntil === null ? [] : [`valid until ${quoteLiteral(role.validUntil)}`]),
  ];
  return {
    object: objectOf(role),
    kind: "role",
    sql: `create role ${quoteIdentifier(role.name)} ${options.join(" ")}`,
  };
}

/** The attributes that a server lets only those give who have them, each by itself. */
export function privilegedAttributesOf(role: Role): RoleStatement[] {
  const attributes = [
    role.createDatabases ? "createdb" : undefined,
    role.createRole ? "createrole" : undefined,
    role.bypassRowSecurity ? "bypassrls" : undefined,
    role.replication ? "replication" : undefined,
    role.superuser ? "superuser" : undefined,
  ];
  return attributes.flatMap((attribute) => (attribute === undefined ? [] : [alter(role, "attribute", attribute)]));
}

/** The settings, comment and security labels of a role. */
export function propertiesOf(role: Role): RoleStatement[] {
  const name = quoteIdentifier(role.name);
  return [
    ...role.settings.map(({ name: setting, value }) => alter(role, "setting", setClause(setting, value))),
    ...(role.comment === null
      ? []
      : [
          {
            object: objectOf(role),
            kind: "comment" as const,
            sql: `comment on role ${name} is ${quoteLiteral(role.comment)}`,
          },
        ]),
    ...role.labels.map(({ provider, label }) => ({
      object: objectOf(role),
      kind: "security label" as const,
      sql: `security label for ${quoteIdentifier(provider)} on role ${name} is ${quoteLiteral(label)}`,
    })),
  ];
}

/** Sets a password, or asks for one where the hash does not travel. */
export function passwordOf(role: Role, hash: string | undefined): RoleStatement {
  return alter(role, "password", `password ${quoteLiteral(hash ?? "…")}`);
}

/**
 * GRANT of a membership. Its options are from 16 on; an older source's INHERIT is the member's own attribute, which is what a later server takes
 * when none is named.
 * @param withGrantor whether to name who granted it, which only a superuser may, and only where that role could have
 */
export function grantOf(membership: Membership, targetVersion: number, withGrantor: boolean): RoleStatement {
  const { role, member, grantor, admin, inherit, set } = membership;
  const options =
    targetVersion >= 160_000
      ? [
          ...(admin ? ["admin true"] : []),
          ...(inherit === null ? [] : [`inherit ${inherit}`]),
          ...(set === null ? [] : [`set ${set}`]),
        ].join(", ")
      : admin
        ? "admin option"
        : "";
  return {
    object: `membership of ${quoteIdentifier(member)} in ${quoteIdentifier(role)}`,
    kind: "membership",
    sql:
      `grant ${quoteIdentifier(role)} to ${quoteIdentifier(member)}${options === "" ? "" : ` with ${options}`}` +
      (withGrantor && grantor !== null ? ` granted by ${quoteIdentifier(grantor)}` : ""),
  };
}

/** ALTER ROLE statements that would make `there` what `role` is: how a role that the target has already differs. */
export function differencesOf(role: Role, there: Role): RoleStatement[] {
  const changed: string[] = [];
  const flag = (wanted: boolean, is: boolean, word: string) => {
    if (wanted !== is) changed.push(wanted ? word : `no${word}`);
  };
  flag(role.login, there.login, "login");
  flag(role.inherit, there.inherit, "inherit");
  flag(role.createDatabases, there.createDatabases, "createdb");
  flag(role.createRole, there.createRole, "createrole");
  flag(role.bypassRowSecurity, there.bypassRowSecurity, "bypassrls");
  flag(role.replication, there.replication, "replication");
  flag(role.superuser, there.superuser, "superuser");
  if (role.connectionLimit !== there.connectionLimit) changed.push(`connection limit ${role.connectionLimit}`);
  if (role.validUntil !== there.validUntil) {
    changed.push(`valid until ${quoteLiteral(role.validUntil ?? "infinity")}`);
  }
  const has = new Set(propertiesOf(there).map(({ sql }) => sql));
  return [
    ...(changed.length === 0 ? [] : [alter(role, "attribute", changed.join(" "))]),
    ...propertiesOf(role).filter(({ sql }) => !has.has(sql)),
  ];
}

function alter(role: Role, kind: RoleStatement["kind"], change: string): RoleStatement {
  return { object: objectOf(role), kind, sql: `alter role ${quoteIdentifier(role.name)} ${change}` };
}

function objectOf(role: Role): string {
  return `role ${quoteIdentifier(role.name)}`;
}
