import { migrationBody } from "../migration-body.js";
import { print } from "../output/format.js";
import type { Column } from "../output/table.js";
import { size } from "../quantities.js";
import { serverCommand, serviceOf } from "../service-options.js";

interface ListedDatabase {
  readonly name?: string;
  readonly sizeBytes?: number;
  readonly encoding?: string;
  readonly collation?: string;
  readonly owner?: string;
}

const columns: readonly Column<ListedDatabase>[] = [
  { title: "Name", value: ({ name }) => name },
  {
    title: "Size",
    value: ({ sizeBytes }) => sizeBytes,
    text: ({ sizeBytes }) => (sizeBytes === undefined ? "unknown" : size(sizeBytes)),
    right: true,
  },
  { title: "Owner", value: ({ owner }) => owner },
  { title: "Encoding", value: ({ encoding }) => encoding },
  { title: "Collation", value: ({ collation }) => collation },
];

export function listDatabases() {
  return serverCommand("list-databases", "List the source's databases that can be migrated.", "table")
    .option("-b, --properties <file>", "a migration's properties file; - is the standard input")
    .option("--source-password-file <file>", "a file with the password of the source's user")
    .action(async (options) => {
      const rows = (await serviceOf(options).listSourceDatabases(
        await migrationBody(options, ["source"]),
      )) as ListedDatabase[];
      print({ value: rows, rows, columns }, options.output);
    });
}
