/** Table `MigrationJanitor`: one row, the janitor's last round. */
import { z } from "zod";
import { getRow, mergeRow, numberColumn, timeColumn } from "./storage.js";

const JanitorRoundColumns = z.object({
  /** When the round ended. */
  time: timeColumn,
  /** Migrations that have not ended. */
  active: numberColumn,
  /** Migrations that have lost their orchestration and are being ended, and those that this round has ended. */
  ending: numberColumn,
  ended: numberColumn,
  /** Migrations that were told something again that they had missed. */
  reminded: numberColumn,
  /** Migrations that were forgotten because their time was over. */
  forgotten: numberColumn,
  /** Migrations that could not be looked after; why is in the log. */
  problems: numberColumn,
});

/** A round of the janitor, in numbers. */
export type JanitorRound = z.infer<typeof JanitorRoundColumns>;

export async function recordJanitorRound(round: Omit<JanitorRound, "time">): Promise<void> {
  await mergeRow("MigrationJanitor", "janitor", "last", { ...round, time: new Date() });
}

/** Undefined before the first round. */
export async function lastJanitorRound(): Promise<JanitorRound | undefined> {
  const row = await getRow("MigrationJanitor", "janitor", "last");
  return row && JanitorRoundColumns.parse(row);
}
