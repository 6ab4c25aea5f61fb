/** Where a target server is, as its migrations say: ARM has a migration where its target is. */
import { listMigrations, type MigrationRow } from "../status/migrations.js";

/** Of a migration whose request named no location. */
const noLocation = "local";

/** The region that a migration was created with, if any. */
export function regionOf({ location }: Pick<MigrationRow, "location">): string | undefined {
  return location === noLocation ? undefined : location;
}

/** That of the server's newest migration that has one. */
export async function knownLocation(server: string): Promise<string | undefined> {
  const rows = (await listMigrations(server)).filter((row) => regionOf(row) !== undefined);
  return rows.sort((one, other) => ((one.createdOn ?? "") < (other.createdOn ?? "") ? 1 : -1))[0]?.location;
}
