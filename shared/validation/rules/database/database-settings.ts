import pg from "pg";
import { readDatabaseProperties } from "../../../postgres/database-properties.js";
import { quoteIdentifier } from "../../../postgres/identifiers.js";
import { runOn } from "../../corrective-action.js";
import { loadFailure } from "../../load-library.js";
import { named } from "../../named.js";
import type { DatabaseRule, RuleFinding } from "../../rule.js";
import { isSuperuser } from "../../superuser-only.js";

/** Libraries that a session loads when it begins: with one that is missing none begins. */
const sessionLibraries: ReadonlySet<string> = new Set(["session_preload_libraries", "local_preload_libraries"]);

const settingsThere =
  "select name, context from pg_catalog.pg_settings where pg_catalog.lower(name) = any ($1::text[])";

const settable = "select pg_catalog.has_parameter_privilege($1, 'set') as settable";

/** What only some may see is missing in pg_settings; here it is an error. */
const lookUp = "select pg_catalog.current_setting($1, true) as value";

export const rule: DatabaseRule = {
  id: "database-settings",
  title: "The target takes the settings of the database, and of roles in it",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy:
    "Install on the target what a setting names, `GRANT SET ON PARAMETER` there, or do without: what is refused is left out and listed with the migration's statements.",
  async check({ source, target, targetVersion, spec }) {
    const { settings } = await readDatabaseProperties(source);
    // The names of extensions' settings have a point: any server takes them.
    const names = [...new Set(settings.map(({ name }) => name.toLowerCase()))].filter((name) => !name.includes("."));
    const { rows } = await target.query<{ name: string; context: string }>(settingsThere, [names]);
    const contexts = new Map(rows.map(({ name, context }) => [name.toLowerCase(), context]));
    const superuser = await isSuperuser(target);
    const findings: RuleFinding[] = [];

    const unknown: string[] = [];
    const forbidden: string[] = [];
    for (const name of names) {
      const context = contexts.get(name) ?? ((await isKnown(target, name)) ? "superuser" : undefined);
      if (context === undefined) unknown.push(name);
      else if (context === "superuser" && !superuser && !(await maySet(target, targetVersion, name)))
        forbidden.push(name);
    }
    if (unknown.length > 0) {
      findings.push({
        state: "Warning",
        message: `${named("setting", "settings", unknown)}: set on the database or on a role in it, and the target's version has no such parameter. It is left out; the migration's statements list it.`,
      });
    }
    if (forbidden.length > 0) {
      const grants = forbidden.map((name) => `GRANT SET ON PARAMETER ${name} TO ${quoteIdentifier(spec.target.user)};`);
      findings.push({
        state: "Warning",
        message:
          `${named("setting", "settings", forbidden)}: set on the database or on a role in it, which ${spec.target.user} may not do on the target. It is left out, and the ` +
          `migration's statements list it, for a superuser to run${targetVersion >= 150_000 ? ", unless the user is let" : ""}.${runOn("target", targetVersion >= 150_000 ? grants : [])}`,
      });
    }
    // Only a superuser can load what others' sessions would; the migration tries each of these settings, and takes it back, in any case.
    for (const { name, value } of superuser ? settings : []) {
      if (!sessionLibraries.has(name.toLowerCase())) continue;
      for (const library of librariesOf(value)) {
        const failure = await loadFailure(target, library);
        if (failure === undefined) continue;
        findings.push({
          state: "Warning",
          message:
            `Setting ${name}: names library ${library}, which the target cannot load (${failure.message}). With it nobody could connect there: it is left out, and the ` +
            "migration's statements list it. Install the library on the target before the migration, or run the statement when it is there.",
        });
      }
    }
    return findings;
  },
};

async function isKnown(target: pg.ClientBase, name: string): Promise<boolean> {
  await target.query("savepoint setting");
  try {
    const { rows } = await target.query<{ value: string | null }>(lookUp, [name]);
    return (rows[0]?.value ?? null) !== null;
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== "42501") throw error;
    await target.query("rollback to savepoint setting");
    return true;
  }
}

async function maySet(target: pg.ClientBase, version: number, name: string): Promise<boolean> {
  if (version < 150_000) return false;
  return (await target.query<{ settable: boolean }>(settable, [name])).rows[0]?.settable === true;
}

/** A list as the server keeps it: names with commas between them, some in double quotes. */
function librariesOf(value: string): string[] {
  return (value.match(/"(?:[^"]|"")*"|[^,\s]+/g) ?? []).map((name) =>
    name.replace(/^"(.*)"$/, "$1").replaceAll('""', '"'),
  );
}
