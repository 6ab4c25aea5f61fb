import { qualifiedName, quoteIdentifier } from "../../../postgres/identifiers.js";
import { ofNoExtension, userSchema } from "../../../postgres/user-objects.js";
import { displayName } from "../../../schema/display-name.js";
import { runOn } from "../../corrective-action.js";
import { named } from "../../named.js";
import type { DatabaseRule } from "../../rule.js";

// A constraint that is NOT ENFORCED (18) can never be valid. Inherited ones are validated at the parent.
const notValidConstraints = `
  select
    coalesce(tn.nspname, dn.nspname) as schema,
    coalesce(t.relname, d.typname) as owner,
    c.conname as name,
    t.oid is not null as of_table
  from pg_catalog.pg_constraint as c
  left join pg_catalog.pg_class as t on t.oid = c.conrelid
  left join pg_catalog.pg_namespace as tn on tn.oid = t.relnamespace
  left join pg_catalog.pg_type as d on d.oid = c.contypid
  left join pg_catalog.pg_namespace as dn on dn.oid = d.typnamespace
  join pg_catalog.pg_namespace as n on n.oid = c.connamespace
  where not c.convalidated
    and coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true)
    and c.coninhcount = 0
    and ${userSchema("n")}
    and ${ofNoExtension("pg_constraint", "c.oid")}
  order by 1, 2, 3
`;

interface NotValidConstraint {
  readonly schema: string;
  /** The table or domain that it belongs to. */
  readonly owner: string;
  readonly name: string;
  readonly of_table: boolean;
}

export const rule: DatabaseRule = {
  id: "invalid-constraints",
  title: "Every constraint is validated",
  scope: "database",
  modes: ["Offline", "Online"],
  remedy: "`ALTER TABLE … VALIDATE CONSTRAINT`, after repairing the rows that it names.",
  async check({ source }) {
    const { rows } = await source.query<NotValidConstraint>(notValidConstraints);
    if (rows.length === 0) return [];
    const names = rows.map(({ schema, owner, name }) => `${displayName(name)} on ${displayName(schema, owner)}`);
    const statements = rows.map(
      ({ schema, owner, name, of_table }) =>
        `ALTER ${of_table ? "TABLE" : "DOMAIN"} ${qualifiedName(schema, owner)} VALIDATE CONSTRAINT ${quoteIdentifier(name)};`,
    );
    return [
      {
        state: "Warning",
        message:
          `${named("constraint", "constraints", names)}: NOT VALID, so rows may violate it; it will be NOT VALID on the target too, with the same rows. ` +
          `Repair the rows and validate it.${runOn("source", statements)}`,
      },
    ];
  },
};
