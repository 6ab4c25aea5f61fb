import { app as durable } from "durable-functions";
import { janitorRound } from "../../shared/janitor/round.js";
import { readSettings, settings } from "../../shared/settings.js";
import { orchestrationsOf } from "../http/arm/orchestrations.js";

/** Wrong settings are told by whoever needs them: they must not keep the app from being loaded. */
function schedule(): string {
  try {
    return settings().janitorSchedule;
  } catch {
    return readSettings({}).janitorSchedule;
  }
}

/** The host runs a timer's function on one instance at a time, and not again before it has ended. */
durable.client.timer("janitor", {
  schedule: schedule(),
  handler: async (_timer, client, context) => {
    const round = await janitorRound(orchestrationsOf(client), (problem) => context.error(`Janitor: ${problem}`));
    const told = Object.entries(round).flatMap(([what, count]) => (count > 0 ? [`${count} ${what}`] : []));
    if (told.length > 0) context.log(`Janitor: migrations: ${told.join(", ")}`);
  },
});
