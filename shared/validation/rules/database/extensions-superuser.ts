import { availableExtensions, installedExtensions } from "../../extensions.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";
import { isSuperuser } from "../../superuser-only.js";

// Managed servers let their administrators create the extensions that they have allowed, whatever the extension's control file says: Azure, Amazon,
// Google, and whoever uses pgextwlist. There the list of allowed extensions decides, not this rule.
const managedServer = `
  select
    pg_catalog.current_setting('azure.extensions', true) is not null
    or pg_catalog.current_setting('rds.extensions', true) is not null
    or pg_catalog.current_setting('extwlist.extensions', true) is not null
    or exists (
      select
      from pg_catalog.pg_roles as r
      where r.rolname in ('azure_pg_admin', 'rds_superuser', 'cloudsqlsuperuser', 'alloydbsuperuser')
        and pg_catalog.pg_has_role(r.oid, 'member')
    ) as managed
`;

export const rule: DatabaseRule = {
  id: "extensions-superuser",
  title: "The target's user may create the extensions that the database uses",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Migrate as a superuser of the target, or mark the extension as trusted in its control file there.",
  async check({ source, target, spec }) {
    if (await isSuperuser(target)) return [];
    const { rows } = await target.query<{ managed: boolean }>(managedServer);
    if (rows[0]?.managed === true) return [];
    const available = await availableExtensions(target);
    const refused = (await installedExtensions(source))
      .map(({ name }) => name)
      .filter((name) => available.get(name)?.superuserOnly === true);
    if (refused.length === 0) return [];
    return [
      {
        state: "Failed",
        message:
          `${named("extension", "extensions", refused)}: not a trusted extension on the target, so only a superuser can create it, and ` +
          `${spec.target.user} is none. Migrate as a superuser of the target, or mark the extension as trusted in its control file there.`,
      },
    ];
  },
};
