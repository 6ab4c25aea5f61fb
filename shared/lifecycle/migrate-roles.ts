/** The roles of a migration's databases, brought to the target once, before any of its databases. */
import { hasEnded } from "../model/states.js";
import { endSession, withConnection } from "../postgres/connect.js";
import { applyRoles, type RoleOutcome } from "../roles/apply-roles.js";
import { dropOwnMemberships } from "../roles/own-memberships.js";
import { readRolesNamed, readSourceRoles } from "../roles/source-roles.js";
import { connectSource } from "../run/connect-source.js";
import { maintenanceDatabase, serversOf } from "../run/servers.js";
import { addWarnings } from "../run/warnings.js";
import { getMigration, listMigrations, updateMigration } from "../status/migrations.js";
import { recordStatements, type StatementRow } from "../status/statements.js";

/** Two migrations at once into one target make its roles one after the other; the second then finds the first's. */
const oneAtATime = `
  set lock_timeout = '2min';
  select pg_catalog.pg_advisory_lock(pg_catalog.hashtext('migration roles'), 0);
`;

/**
 * Converges: what this migration is about to create is noted before, so that a second runner knows those roles for its own.
 * @throws what may go away by itself
 */
export async function migrateRoles(key: string): Promise<void> {
  const servers = await serversOf(key);
  const { databases } = servers.spec;
  const source = await connectSource(servers, "roles");
  const roles = await readSourceRoles(source, databases).finally(() => endSession(source));
  const outcomes = await withConnection(servers.target(maintenanceDatabase, "roles"), async (target) => {
    await target.query(oneAtATime);
    const names = roles.roles.map(({ name }) => name);
    const there = new Set((await readRolesNamed(target, names)).map(({ name }) => name));
    const before = (await getMigration(key))?.createdRoles ?? [];
    const ours = [...new Set([...before, ...names.filter((name) => !there.has(name))])];
    await updateMigration(key, { createdRoles: ours });
    return await applyRoles(target, roles, new Set(ours));
  });
  await recordStatements(key, outcomes.map(statementRow));
  await warn(key, databases, outcomes);
}

function statementRow({ object, kind, sql, fate, message, code }: RoleOutcome, index: number): StatementRow {
  return {
    database: "",
    attempt: 0,
    order: index + 1,
    id: kind,
    kind,
    statementKind: "role",
    object,
    fate,
    code,
    message,
    statement: `${sql};`,
    remedy: fate === "leftOut" ? `Run on the target, as a user who may: ${sql};` : undefined,
    missingRole: undefined,
    pass: 0,
  };
}

/** Every database says what its roles lack: whoever looks at one need not know that roles are the server's. */
async function warn(key: string, databases: readonly string[], outcomes: readonly RoleOutcome[]): Promise<void> {
  const leftOut = outcomes.filter(({ fate }) => fate === "leftOut");
  if (leftOut.length === 0) return;
  const objects = [...new Set(leftOut.map(({ object }) => object))];
  const named = `${objects.slice(0, 10).join(", ")}${objects.length > 10 ? ` and ${objects.length - 10} more` : ""}`;
  const warning =
    `Roles: ${leftOut.length} of ${outcomes.length} statements were left out (${named}). ` +
    "Why, and what to run on the target, is in the migration's statements.";
  for (const database of databases) await addWarnings(key, database, [warning]);
}

/**
 * Takes back what our user has granted itself, unless another migration into this target still needs it: the last one
 * takes back all. Converges.
 */
export async function leaveRoles(key: string): Promise<void> {
  const row = await getMigration(key);
  if (row === undefined || row.createdRoles.length === 0) return;
  const servers = await serversOf(key);
  await withConnection(servers.target(maintenanceDatabase, "roles"), async (target) => {
    await target.query(oneAtATime);
    await updateMigration(key, { rolesLeft: true });
    const migrations = (await listMigrations(row.server)).filter(({ createdRoles }) => createdRoles.length > 0);
    if (migrations.some(({ rolesLeft, state }) => !rolesLeft && !hasEnded(state))) return;
    await dropOwnMemberships(target, [...new Set(migrations.flatMap(({ createdRoles }) => createdRoles))]);
  });
}
