import { setTimeout as delay } from "node:timers/promises";
import { type ExitCode, exitCodes } from "../exit-codes.js";
import type { Migration, MigrationService } from "../migration-service.js";
import { exitCodeOfState } from "./watch-migration.js";

/** Waits in silence until the migration has ended, or until so many minutes have passed. */
export async function waitForEnd(
  service: MigrationService,
  name: string,
  timeoutMinutes: number | undefined,
): Promise<{ migration: Migration; exitCode: ExitCode }> {
  const limit = timeoutMinutes === undefined ? Number.POSITIVE_INFINITY : Date.now() + timeoutMinutes * 60_000;
  for (;;) {
    const migration = await service.show(name);
    const exitCode = exitCodeOfState(migration.properties.currentStatus.state);
    if (exitCode !== undefined) return { migration, exitCode };
    if (Date.now() > limit) return { migration, exitCode: exitCodes.timedOut };
    await delay(1_000);
  }
}
