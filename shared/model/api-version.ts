/** The api-version of a request: which are taken, and in which shape all of them are answered. */
import { RequestError } from "./request-error.js";

/** The version whose shape every answer has. */
export const answeredVersion = "2025-08-01";
/** The first version of Azure's API that has migrations. */
export const firstVersion = "2022-05-01-privatepreview";

/** Versions that Azure's clients are known to send, for docs/api.md; any other from the first on is taken too. */
export const knownVersions: readonly (readonly [version: string, sentBy: string])[] = [
  [firstVersion, "azure-cli 2.45, as Debian 12 has it"],
  ["2024-08-01", "@azure/arm-postgresql-flexible 8"],
  [answeredVersion, "@azure/arm-postgresql-flexible 9"],
  ["2026-07-01-preview", "azure-cli of October 2026"],
];

const form = /^(\d{4}-\d\d-\d\d)(-[a-z]+)?$/i;

/**
 * Takes every version from the first with migrations to those that are not known yet: they have all named the same fields.
 * @param version as the query has it; null when it is absent, which is the answered version
 * @throws RequestError 400 for what is no version, or one that had no migrations
 */
export function checkApiVersion(version: string | null): void {
  if (version === null) return;
  const day = form.exec(version)?.[1];
  const date = new Date(`${day}T00:00:00Z`);
  const real = day !== undefined && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
  if (real && day >= firstVersion.slice(0, 10)) return;
  const why = real ? `is older than ${firstVersion}, the first with migrations` : "is not a version (YYYY-MM-DD)";
  throw new RequestError(
    400,
    "InvalidApiVersionParameter",
    `api-version "${version.slice(0, 100)}" ${why}: use api-version=${answeredVersion}, or leave it out.`,
    { target: "api-version" },
  );
}
