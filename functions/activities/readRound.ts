/** Tells a copy orchestration what its round consists of. */
import { z } from "zod";
import { readRound } from "../../shared/copy/job-store.js";
import { serversOf } from "../../shared/migration/servers.js";
import { DatabaseRun } from "../../shared/model/steps.js";
import { withConnection } from "../../shared/postgres/connect.js";
import { databaseStep } from "./step.js";

databaseStep("readRound", DatabaseRun.extend({ round: z.number().int() }), async ({ key, database, round }) => {
  const servers = await serversOf(key);
  return await withConnection(servers.target(database, "plan"), (target) => readRound(target, round));
});
