/** Whether the source user may create the publication of this database: CREATE on the database, and ownership of every table in it. */
import { missingPublicationPrivileges } from "../../../postgres/publication-privileges.js";
import type { DatabaseRule } from "../../rule.js";

export const rule: DatabaseRule = {
  id: "publication-privilege",
  title: "Source user may publish the database's tables",
  scope: "database",
  modes: ["Online"],
  remedy: "`GRANT CREATE ON DATABASE …` and membership in the tables' owners, on the source.",
  check: async ({ source }) =>
    (await missingPublicationPrivileges(source)).map((message) => ({ state: "Failed", message })),
};
