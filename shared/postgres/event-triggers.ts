/** Keeping a database's event triggers from firing on what we do in it: they are for its users, and may log or forbid it. */
import type { ClientBase } from "pg";
import { serverVersion } from "./source-tables.js";

/** From 17 on there is a setting for it, which may be granted (PostgreSQL docs, event_triggers). */
const firstWithSetting = 170_000;

const maySet = "select pg_catalog.has_parameter_privilege('event_triggers', 'set') as may";

const switchOff = `
  select pg_catalog.set_config('event_triggers', 'off', false)
  where pg_catalog.has_parameter_privilege('event_triggers', 'set')
`;

/** Before, a replica's session fires only those that are enabled as replica or always (PostgreSQL docs, ALTER EVENT TRIGGER). */
const pretendReplica = `
  select pg_catalog.set_config('session_replication_role', 'replica', false)
  from pg_catalog.pg_roles
  where rolname = current_user
    and rolsuper
`;

/** Whether the session's user may open sessions without event triggers: ConnectOptions.withoutEventTriggers. There are none on login before 17. */
export async function maySilenceEventTriggers(session: ClientBase): Promise<boolean> {
  if ((await serverVersion(session)) < firstWithSetting) return false;
  const { rows } = await session.query<{ may: boolean }>(maySet);
  return rows[0]?.may === true;
}

/**
 * Switches event triggers off for the rest of the session, where its user may. For sessions that only create and drop what is ours: before 17 it takes
 * a setting that bears on ordinary triggers too.
 * @returns whether the user may
 */
export async function silenceEventTriggers(session: ClientBase): Promise<boolean> {
  const statement = (await serverVersion(session)) >= firstWithSetting ? switchOff : pretendReplica;
  return (await session.query(statement)).rowCount !== 0;
}
