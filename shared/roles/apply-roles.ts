/**
 * Giving a target the roles that its databases' owners and grantees are. One transaction; what a server refuses is left out
 * and told. Roles that the target has already are never changed: how they differ is told.
 */
import pg from "pg";
import { quoteIdentifier } from "../postgres/identifiers.js";
import { serverVersion } from "../postgres/source-tables.js";
import { keepOutOfServerLog, runUnlogged } from "../postgres/unlogged-statement.js";
import {
  creationOf,
  differencesOf,
  grantOf,
  passwordOf,
  privilegedAttributesOf,
  propertiesOf,
  type RoleStatement,
} from "./role-statements.js";
import { type Membership, type Role, readRolesNamed, type SourceRoles } from "./source-roles.js";

export interface RoleOutcome extends RoleStatement {
  readonly fate: "applied" | "leftOut";
  /** Why it was left out: the server's words, or ours. */
  readonly message?: string;
  readonly code?: string;
}

/** What CREATE ROLE makes its creator from 16 on is too little to give objects to the role: a membership by which it may SET ROLE is needed. */
const grantOurselves = "set local createrole_self_grant = 'set, inherit'";

const mayBecome = "select rolsuper as superuser from pg_catalog.pg_roles where rolname = current_user";

/**
 * @param target a session of the target's maintenance database, outside of a transaction, that nobody else does this in at the same time
 * @param ours the roles that this migration is to create, or has created in an attempt before
 * @returns what was done with every statement, in order
 * @throws DatabaseError for a lost connection and the like; then nothing has been applied
 */
export async function applyRoles(
  target: pg.Client,
  { roles, memberships, hashes }: SourceRoles,
  ours: ReadonlySet<string>,
): Promise<RoleOutcome[]> {
  const session = await RoleSession.begin(target);
  const names = roles.map(({ name }) => name);
  const there = new Map((await readRolesNamed(target, names)).map((role) => [role.name, role]));
  const usable = new Set(there.keys());
  const outcomes: RoleOutcome[] = [];
  for (const role of roles) {
    const known = there.get(role.name);
    if (known === undefined) {
      const made = await session.create(role, hashes?.get(role.name));
      if (made[0]?.fate === "applied") usable.add(role.name);
      outcomes.push(...made);
    } else if (ours.has(role.name)) outcomes.push({ ...creationOf(role), fate: "applied" });
    else outcomes.push(...differencesOf(role, known).map(leftAsItIs));
  }
  outcomes.push(
    ...(await session.grant(
      memberships.filter(({ member }) => usable.has(member)),
      ours,
    )),
  );
  // Settings last: they are for the role's own sessions, and one that is refused keeps nothing else.
  for (const role of roles.filter(({ name }) => ours.has(name) && usable.has(name))) {
    for (const statement of propertiesOf(role)) outcomes.push(await session.attempt(statement));
  }
  await session.commit();
  return outcomes;
}

function leftAsItIs(statement: RoleStatement): RoleOutcome {
  return {
    ...statement,
    fate: "leftOut",
    message: "The target has this role already, with other properties. A role that is there is never changed.",
  };
}

/** The transaction in which all roles are made. */
class RoleSession {
  readonly #target: pg.Client;
  readonly #version: number;
  readonly #superuser: boolean;

  private constructor(target: pg.Client, version: number, superuser: boolean) {
    this.#target = target;
    this.#version = version;
    this.#superuser = superuser;
  }

  static async begin(target: pg.Client): Promise<RoleSession> {
    await keepOutOfServerLog(target);
    const version = await serverVersion(target);
    const [user] = (await target.query<{ superuser: boolean }>(mayBecome)).rows;
    await target.query("begin");
    if (version >= 160_000) await target.query(grantOurselves);
    return new RoleSession(target, version, user?.superuser === true);
  }

  async commit(): Promise<void> {
    await this.#target.query("commit");
  }

  /** Creates a role, whole if we may give it all, else without what is refused. */
  async create(role: Role, hash: string | undefined): Promise<RoleOutcome[]> {
    const creation = creationOf(role);
    const created = await this.attempt(creation);
    if (created.fate === "leftOut") return [created];
    const outcomes = [created];
    if (!this.#superuser && this.#version < 160_000) {
      await this.#run(`grant ${quoteIdentifier(role.name)} to current_user`);
    }
    for (const statement of privilegedAttributesOf(role)) outcomes.push(await this.attempt(statement));
    if (role.login) outcomes.push(await this.#setPassword(role, hash));
    return outcomes;
  }

  async #setPassword(role: Role, hash: string | undefined): Promise<RoleOutcome> {
    const shown = passwordOf(role, undefined);
    if (hash === undefined) {
      return {
        ...shown,
        fate: "leftOut",
        message:
          "The role can log in, and its password did not travel: it has none on the source, or our user there may not read it. Set one on the target.",
      };
    }
    const refusal = await this.#run(passwordOf(role, hash).sql, tryUnlogged);
    if (refusal === undefined) return { ...shown, fate: "applied" };
    return {
      ...shown,
      fate: "leftOut",
      message: `${refusal.message} Set a new password on the target.`,
      code: refusal.code,
    };
  }

  /**
   * Grants memberships. Who granted one must have been able to: those whose grantor is not there yet are tried again after
   * the others, as long as that makes progress, and at last without naming the grantor.
   */
  async grant(memberships: readonly Membership[], ours: ReadonlySet<string>): Promise<RoleOutcome[]> {
    const outcomes: RoleOutcome[] = [];
    const mine = (membership: Membership) => ours.has(membership.role) || ours.has(membership.member);
    for (const membership of memberships) {
      if (mine(membership) || (await this.#isGranted(membership))) continue;
      outcomes.push(leftAsItIs(grantOf(membership, this.#version, false)));
    }
    let waiting = memberships.filter(mine);
    for (let progress = this.#superuser; progress && waiting.length > 0; ) {
      const left: Membership[] = [];
      for (const membership of waiting) {
        const outcome = await this.attempt(grantOf(membership, this.#version, true));
        if (outcome.fate === "applied") outcomes.push(outcome);
        else left.push(membership);
      }
      progress = left.length < waiting.length;
      waiting = left;
    }
    for (const membership of waiting) outcomes.push(await this.attempt(grantOf(membership, this.#version, false)));
    return outcomes;
  }

  async #isGranted({ role, member }: Membership): Promise<boolean> {
    const { rowCount } = await this.#target.query(membershipThere, [role, member]);
    return rowCount !== 0;
  }

  async attempt(statement: RoleStatement): Promise<RoleOutcome> {
    const refusal = await this.#run(statement.sql);
    if (refusal === undefined) return { ...statement, fate: "applied" };
    return { ...statement, fate: "leftOut", message: refusal.message, code: refusal.code };
  }

  /** The server's refusal, if it refused. */
  async #run(
    sql: string,
    run: (client: pg.Client, sql: string) => Promise<unknown> = tryQuery,
  ): Promise<Refusal | undefined> {
    try {
      await run(this.#target, sql);
      return undefined;
    } catch (error) {
      // Lost connections, deadlocks, shutdowns (classes 08, 40, 57 …) are the caller's to try again.
      if (!(error instanceof pg.DatabaseError) || !/^(0A|0L|0P|22|23|28|2B|42|55)/.test(error.code ?? "")) throw error;
      await this.#target.query("rollback to savepoint role_statement");
      return { message: error.message, code: error.code ?? "" };
    }
  }
}

interface Refusal {
  readonly message: string;
  readonly code: string;
}

/** One message: after an error the server skips what follows it. */
const tryQuery = (client: pg.Client, sql: string) =>
  client.query(`savepoint role_statement; ${sql}; release savepoint role_statement`);

const tryUnlogged = async (client: pg.Client, sql: string) => {
  await client.query("savepoint role_statement");
  await runUnlogged(client, sql);
};

const membershipThere = `
  select
  from pg_catalog.pg_auth_members as membership
  join pg_catalog.pg_roles as role on role.oid = membership.roleid
  join pg_catalog.pg_roles as member on member.oid = membership.member
  where role.rolname = $1
    and member.rolname = $2
`;
