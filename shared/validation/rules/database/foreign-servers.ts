import { quoteIdentifier } from "../../../postgres/identifiers.js";
import { displayName } from "../../../schema/display-name.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

const foreignServers = `
  select
    s.srvname as name,
    w.fdwname as wrapper,
    array(
      select case when m.umuser = 0 then 'PUBLIC' else pg_catalog.pg_get_userbyid(m.umuser)::text end
      from pg_catalog.pg_user_mappings as m
      where m.srvid = s.oid
      order by 1
    ) as mapped
  from pg_catalog.pg_foreign_server as s
  join pg_catalog.pg_foreign_data_wrapper as w on w.oid = s.srvfdw
  order by s.srvname
`;

export const rule: DatabaseRule = {
  id: "foreign-servers",
  title: "No foreign server has to be reached anew",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "After the migration set the passwords of the user mappings again, and let the target reach the servers.",
  async check({ source }) {
    const { rows } = await source.query<{ name: string; wrapper: string; mapped: string[] }>(foreignServers);
    if (rows.length === 0) return [];
    const names = rows.map(({ name, wrapper, mapped }) => {
      const users = mapped.length === 0 ? "no user mapping" : `user mappings of ${mapped.join(", ")}`;
      return `${displayName(name)} (${wrapper}, ${users})`;
    });
    const mappings = rows.flatMap(({ name, mapped }) =>
      mapped.map((user) => {
        const role = user === "PUBLIC" ? user : quoteIdentifier(user);
        return `ALTER USER MAPPING FOR ${role} SERVER ${quoteIdentifier(name)} OPTIONS (SET password '…');`;
      }),
    );
    return [
      {
        state: "Warning",
        message:
          `${named("foreign server", "foreign servers", names)}: the rows of foreign tables stay where they are, and passwords do not travel. ` +
          "Let the target reach the server through the network." +
          (mappings.length > 0 ? ` After the migration, on the target: ${mappings.slice(0, 10).join(" ")}` : ""),
      },
    ];
  },
};
