/**
 * The canonical form of a table's rows: one SQL expression that two servers, of whatever versions, answer with the same text for the same values.
 *
 * It is the text of a record of all columns, in neutral sessions: measured on every type of pg_type from 11 to 18, that text depends on the value
 * alone, but for two things, which are taken apart down to where they differ, through domains, arrays, composites and ranges:
 * - floating-point numbers, the geometric types made of them included: before 12 they have 17 digits, since then the shortest that tell them apart
 *   (release notes of PostgreSQL 12). Their binary form is the same; only a NaN may have several.
 * - "char": a byte above 127 is written as such before 16, as an octal escape since. Its binary form is the byte.
 * Types of extensions and users have the text that their own output function gives them: see `foreignColumns`.
 */
import type { ClientBase } from "pg";
import { quoteIdentifier } from "../postgres/identifiers.js";
import { firstUserOid, readTypeTree, type TypeNode, type TypeTree } from "../postgres/type-tree.js";

export interface ProvableTable {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly string[];
}

/** server_version_num of both servers. Their databases store text in the same encoding: ours on the target is made with the source's. */
export interface ServerPair {
  readonly sourceVersion: number;
  readonly targetVersion: number;
}

export interface CanonicalRow {
  /** A text expression over the columns of the table. */
  readonly expression: string;
  /** What each column is in it. */
  readonly forms: readonly { readonly column: string; readonly form: string }[];
  /** Columns that hold values of base types that are not PostgreSQL's own: no rule says that their text is the same in another version of the extension. */
  readonly foreignColumns: readonly string[];
}

/** Since when a server writes floating-point numbers in their shortest form, and "char" in ASCII. */
const shortestFloatsSince = 120_000;
const asciiCharsSince = 160_000;

/** Values of text and bytea above this size, in bytes, stand in the record as their digest: a record's text has 1 GB at most. */
const largeValueBytes = 1_048_576;

/** The columns of tables, as the source has them. */
const columnTypes = `
  select wanted.number, a.attname::text as name, a.atttypid::int8::float8 as type
  from json_to_recordset($1::json) as wanted (number integer, schema text, name text)
  join pg_catalog.pg_namespace as n on n.nspname = wanted.schema
  join pg_catalog.pg_class as c on c.relnamespace = n.oid and c.relname = wanted.name
  join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
`;

/** The canonical rows of the tables, in their order, read from the source's catalog. */
export async function canonicalRows(
  source: ClientBase,
  tables: readonly ProvableTable[],
  servers: ServerPair,
): Promise<CanonicalRow[]> {
  const wanted = tables.map(({ schema, name }, number) => ({ number, schema, name }));
  const columns = await source.query<{ number: number; name: string; type: number }>(columnTypes, [
    JSON.stringify(wanted),
  ]);
  const tree = await readTypeTree(
    source,
    columns.rows.map(({ type }) => type),
  );
  const types = new TypeForms(tree, servers);
  const byTable = new Map<number, Map<string, number>>();
  for (const { number, name, type } of columns.rows) {
    const known = byTable.get(number) ?? new Map<string, number>();
    byTable.set(number, known.set(name, type));
  }
  return tables.map((table, number) => types.rowOf(table.columns, byTable.get(number) ?? new Map()));
}

/** The text of a record of these expressions. */
export function recordText(forms: readonly string[]): string {
  return `row(${forms.join(", ")})::text`;
}

class TypeForms {
  readonly #types: TypeTree;
  readonly #floatsDiffer: boolean;
  readonly #charsDiffer: boolean;
  readonly #differs = new Map<number, boolean>();

  constructor(types: TypeTree, { sourceVersion, targetVersion }: ServerPair) {
    const apart = (version: number) => sourceVersion < version !== targetVersion < version;
    this.#types = types;
    this.#floatsDiffer = apart(shortestFloatsSince);
    this.#charsDiffer = apart(asciiCharsSince);
  }

  rowOf(columns: readonly string[], types: ReadonlyMap<string, number>): CanonicalRow {
    const forms = columns.map((column) => ({
      column,
      form: this.#column(types.get(column), quoteIdentifier(column)),
    }));
    return {
      expression: recordText(forms.map(({ form }) => form)),
      forms,
      foreignColumns: columns.filter((column) => this.#types.some(types.get(column), isForeign)),
    };
  }

  /** A column as it stands in the record: large values as their digests. */
  #column(oid: number | undefined, value: string): string {
    const type = this.#baseType(oid);
    if (type?.oid === byteaOid)
      return `case when octet_length(${value}) > ${largeValueBytes} then decode(md5(${value}), 'hex') else ${value} end`;
    if (type?.oid === textOid || type?.oid === varcharOid)
      return `case when octet_length(${value}) > ${largeValueBytes} then md5(${value}) else ${value} end`;
    return this.#form(oid, value, 0);
  }

  #baseType(oid: number | undefined): TypeNode | undefined {
    const type = this.#types.get(oid);
    return type?.kind === "d" ? this.#baseType(type.inner) : type;
  }

  #form(oid: number | undefined, value: string, depth: number): string {
    const type = this.#types.get(oid);
    if (type === undefined || !this.#textDiffers(type)) return value;
    const own = ownForm(type.oid, value);
    if (own !== undefined) return own;
    if (type.kind === "d") return this.#form(type.inner, value, depth);
    if (type.kind === "c") {
      const fields = type.fields.map((field) =>
        this.#form(field.type, `(${value}).${quoteIdentifier(field.name)}`, depth),
      );
      // Of composite values, IS DISTINCT FROM NULL looks at the value, IS NULL at its fields.
      return `row(${[`${value} is distinct from null`, ...fields].join(", ")})`;
    }
    if (type.kind === "r") {
      const bounds = ["lower", "upper"].map((bound) => this.#form(type.inner, `${bound}(${value})`, depth));
      const shape = ["isempty", "lower_inc", "upper_inc", "lower_inf", "upper_inf"].map((of) => `${of}(${value})`);
      return `row(${[...shape, ...bounds].join(", ")})`;
    }
    const element = `element_${depth}`;
    // A set-returning function in a select list gives the elements in their order, composite ones whole.
    return `row(
      ${value} is null,
      array_dims(${value}),
      (
        select array_agg(${this.#form(type.inner, `${element}.value`, depth + 1)})
        from (select unnest(${value}) as value) as ${element}
      )
    )`;
  }

  #textDiffers(type: TypeNode): boolean {
    const known = this.#differs.get(type.oid);
    if (known !== undefined) return known;
    const differs =
      (this.#charsDiffer && type.oid === charOid) ||
      (this.#floatsDiffer && floatForms.has(type.oid)) ||
      this.#types.innerOf(type).some((inner) => this.#textDiffers(inner));
    this.#differs.set(type.oid, differs);
    return differs;
  }
}

/** A base type that is not PostgreSQL's own, and no array of one. */
function isForeign({ kind, inner, oid }: TypeNode): boolean {
  return kind === "b" && inner === 0 && oid >= firstUserOid;
}

/** pg_type.dat. */
const byteaOid = 17;
const charOid = 18;
const textOid = 25;
const varcharOid = 1043;
const floatForms: ReadonlyMap<number, (value: string) => string> = new Map([
  [700, (value) => float(value, 4)],
  [701, (value) => float(value, 8)],
  // point, lseg, path, box, polygon, line, circle
  [600, point],
  [601, twoPoints],
  [602, (value) => `path_send(${value})`],
  [603, twoPoints],
  [604, (value) => `poly_send(${value})`],
  [628, (value) => `line_send(${value})`],
  [718, (value) => `row(${point(`center(${value})`)}, ${float(`radius(${value})`, 8)})`],
]);

/** The form of a type whose text differs by itself; undefined when it is what it is made of that differs. */
function ownForm(oid: number, value: string): string | undefined {
  return oid === charOid ? `charsend(${value})` : floatForms.get(oid)?.(value);
}

function float(value: string, width: 4 | 8): string {
  return `case when ${value} <> 'NaN' then float${width}send(${value}) when ${value} is not null then '\\x'::bytea end`;
}

function point(value: string): string {
  return `row(${float(`(${value})[0]`, 8)}, ${float(`(${value})[1]`, 8)})`;
}

function twoPoints(value: string): string {
  return `row(${point(`(${value})[0]`)}, ${point(`(${value})[1]`)})`;
}
