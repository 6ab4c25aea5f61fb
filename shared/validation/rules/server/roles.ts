/** What becomes of the source's roles with migrateRoles: which come, and what of them cannot. */

import { differencesOf, passwordOf } from "../../../roles/role-statements.js";
import { type Role, readRolesNamed, readSourceRoles } from "../../../roles/source-roles.js";
import { runOn } from "../../corrective-action.js";
import { listed } from "../../listed.js";
import { named } from "../../named.js";
import type { RuleFinding, ServerRule } from "../../rule.js";

const attributesOfUser = `
  select rolsuper as superuser, rolreplication as replication
  from pg_catalog.pg_roles
  where rolname = current_user
`;

export const rule: ServerRule = {
  id: "roles",
  title: "The source's roles can be brought to the target whole",
  scope: "server",
  modes: ["Offline", "Online"],
  remedy:
    "Give the roles' passwords and attributes on the target, after the migration: the finding has the statements.",
  check: async ({ spec, source, target }) => {
    if (!spec.migrateRoles) return [];
    const { roles, hashes } = await readSourceRoles(source, spec.databases);
    const there = new Map(
      (
        await readRolesNamed(
          target,
          roles.map(({ name }) => name),
        )
      ).map((role) => [role.name, role]),
    );
    const [user] = (await target.query<{ superuser: boolean; replication: boolean }>(attributesOfUser)).rows;
    const coming = roles.filter(({ name }) => !there.has(name));
    return [
      information(coming.length, there.size),
      ...differing(roles, there),
      ...withoutPassword(coming.filter(({ name, login }) => login && hashes?.get(name) === undefined)),
      ...withoutAttribute(
        coming.filter(
          (role) => user?.superuser !== true && (role.superuser || (role.replication && !user?.replication)),
        ),
        spec.target.user,
      ),
    ];
  },
};

function information(coming: number, there: number): RuleFinding {
  return {
    state: "Succeeded",
    message: `${coming} roles own or are granted something in the databases and will be created on the target; ${there} are there already.`,
  };
}

function differing(roles: readonly Role[], there: ReadonlyMap<string, Role>): RuleFinding[] {
  return roles.flatMap((role) => {
    const known = there.get(role.name);
    const statements = known === undefined ? [] : differencesOf(role, known).map(({ sql }) => `${sql};`);
    if (statements.length === 0) return [];
    return [
      {
        state: "Warning",
        message:
          `Role ${role.name} is on the target with other properties. It is left as it is; to make it what it is on the source:` +
          runOn("target", statements),
      } satisfies RuleFinding,
    ];
  });
}

function withoutPassword(roles: readonly Role[]): RuleFinding[] {
  if (roles.length === 0) return [];
  return [
    {
      state: "Warning",
      message:
        `${named(
          "role",
          "roles",
          roles.map(({ name }) => name),
        )}: can log in, and the password does not travel: there is none, or the source user may not read it. Set one on the target after the migration.` +
        runOn(
          "target",
          roles.map((role) => `${passwordOf(role, undefined).sql};`),
        ),
    },
  ];
}

function withoutAttribute(roles: readonly Role[], user: string): RuleFinding[] {
  if (roles.length === 0) return [];
  return [
    {
      state: "Warning",
      message:
        `${listed(roles.map(({ name }) => name))}: superuser or replication on the source, which ${user} may not give on the target. ` +
        "The roles will be created without; whether they need it there is for its administrator to decide.",
    },
  ];
}
