/** Tells a copy orchestration what its round consists of. */
import { z } from "zod";
import { readRound } from "../../shared/ledger/jobs.js";
import { DatabaseRun } from "../../shared/model/steps.js";
import { withConnection } from "../../shared/postgres/connect.js";
import { noteStep } from "../../shared/run/note-step.js";
import { serversOf } from "../../shared/run/servers.js";
import { databaseStep } from "./step.js";

databaseStep("readRound", DatabaseRun.extend({ round: z.number().int() }), async ({ key, database, round }) => {
  await noteStep({ key, database }, "copying");
  const servers = await serversOf(key);
  return await withConnection(servers.target(database, "plan"), (target) => readRound(target, round));
});
