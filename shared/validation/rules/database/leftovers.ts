import { listLedgers } from "../../../ledger/ledger-name.js";
import { isReplicationName } from "../../../model/replication-names.js";
import { quoteIdentifier } from "../../../postgres/identifiers.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

const publications = "select p.pubname as name from pg_catalog.pg_publication as p order by p.pubname";

/** Publications came with 10. */
const firstWithPublications = 100_000;

export const rule: DatabaseRule = {
  id: "leftovers",
  title: "Nothing of an earlier migration is left in the database",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "Nothing has to be done: it is not copied. Drop it when no other migration of the database is running.",
  async check({ source, sourceVersion }) {
    const ledgers = await listLedgers(source);
    const all = sourceVersion < firstWithPublications ? [] : (await source.query<{ name: string }>(publications)).rows;
    const ours = all.map(({ name }) => name).filter(isReplicationName);
    const names = [...ledgers.map((name) => `schema ${name}`), ...ours.map((name) => `publication ${name}`)];
    if (names.length === 0) return [];
    return [
      {
        state: "Warning",
        message:
          `${named("object", "objects", names)}: made by a migration from or into this database. It is not copied. If none is running, drop it.` +
          runOn("source", [
            ...ledgers.map((name) => `DROP SCHEMA ${quoteIdentifier(name)} CASCADE;`),
            ...ours.map((name) => `DROP PUBLICATION ${quoteIdentifier(name)};`),
          ]),
      },
    ];
  },
};
