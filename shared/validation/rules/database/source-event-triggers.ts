import { maySilenceEventTriggers } from "../../../postgres/event-triggers.js";
import { quoteIdentifier } from "../../../postgres/identifiers.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";
import { isSuperuser } from "../../superuser-only.js";

/** $1: events; $2: tags of our statements; $3: how those that fire are enabled. */
const firingTriggers = `
  select pg_catalog.quote_ident(t.evtname) as name, t.evtevent as event
  from pg_catalog.pg_event_trigger as t
  where t.evtevent = any ($1::text[])
    and t.evtenabled::text = any ($3::text[])
    and (t.evtevent = 'login' or t.evttags is null or t.evttags && $2::text[])
  order by t.evtname
`;

const ourStatements = ["CREATE PUBLICATION", "ALTER PUBLICATION", "DROP PUBLICATION"];

/** The first version with triggers on login, and with a setting that keeps event triggers from firing. */
const firstWithLogin = 170_000;

export const rule: DatabaseRule = {
  id: "source-event-triggers",
  title: "No event trigger of the source fires on the migration's sessions and publications",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy:
    "`GRANT SET ON PARAMETER event_triggers` to the source's user (17 and later), or disable the trigger until the migration is over.",
  async check({ source, sourceVersion, spec }) {
    if (await maySilenceEventTriggers(source)) return [];
    // Before 17 a superuser's session creates publications as a replica's would: only what is enabled ALWAYS fires.
    const enabled = sourceVersion < firstWithLogin && (await isSuperuser(source)) ? ["A"] : ["O", "A"];
    const events = ["login", ...(spec.mode === "Online" ? ["ddl_command_start", "ddl_command_end", "sql_drop"] : [])];
    const { rows } = await source.query<{ name: string; event: string }>(firingTriggers, [
      events,
      ourStatements,
      enabled,
    ]);
    if (rows.length === 0) return [];
    const remedies =
      sourceVersion >= firstWithLogin
        ? [`GRANT SET ON PARAMETER event_triggers TO ${quoteIdentifier(spec.source.user)};`]
        : rows.map(({ name }) => `ALTER EVENT TRIGGER ${name} DISABLE;`);
    const names = rows.map(({ name, event }) => `${name} (${event})`);
    return [
      {
        state: "Warning",
        message:
          `${named("event trigger", "event triggers", names)}: fires on the migration's ${spec.mode === "Online" ? "sessions and publications" : "sessions"} on the source. ` +
          "What it logs has rows of ours, and what it forbids stops the migration. " +
          `${sourceVersion >= firstWithLogin ? "Let the user open sessions without event triggers." : "Disable it until the migration is over, then enable it again."}${runOn("source", remedies)}`,
      },
    ];
  },
};
