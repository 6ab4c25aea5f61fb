import { ofNoExtension } from "../../../postgres/user-objects.js";
import type { DatabaseRule } from "../../rule.js";
import { findSuperuserOnly } from "../../superuser-only.js";

const eventTriggers = `
  select
    pg_catalog.quote_ident(t.evtname) as name,
    'DROP EVENT TRIGGER ' || pg_catalog.quote_ident(t.evtname) || ';' as removal
  from pg_catalog.pg_event_trigger as t
  where ${ofNoExtension("pg_event_trigger", "t.oid")}
  order by t.evtname
`;

export const rule: DatabaseRule = {
  id: "event-triggers",
  title: "No event trigger is in the database",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Drop the event triggers on the source, or migrate as a superuser of the target.",
  async check(context) {
    return await findSuperuserOnly(context, {
      one: "event trigger",
      several: "event triggers",
      query: eventTriggers,
      instead: "Have it created by the target's operator after the migration, if the target has event triggers.",
    });
  },
};
