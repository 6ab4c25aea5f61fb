/** What types are made of, through domains, arrays, ranges and composites, as a server's catalog has them. */
import type { ClientBase } from "pg";

/** OIDs from here on are not of initdb's catalog (FirstNormalObjectId): they differ between servers. */
export const firstUserOid = 16_384;

export interface TypeNode {
  readonly oid: number;
  readonly name: string;
  /** pg_type.typtype. */
  readonly kind: string;
  /** Whether values of the type can be sent, and received, in a binary form. */
  readonly hasBinaryForm: boolean;
  /** Whether values of the type have a collation, or are of a type that does. */
  readonly collatable: boolean;
  /** What a domain, array or range is made of; 0 for the others. */
  readonly inner: number;
  /** Of a composite type, in order. */
  readonly fields: readonly { readonly name: string; readonly type: number }[];
}

const typeTree = `
  with recursive reached (oid) as (
    select unnest($1::oid[])
    union
    select made_of.oid
    from reached
    join pg_catalog.pg_type as t on t.oid = reached.oid
    cross join lateral (
      select t.typbasetype where t.typtype = 'd'
      union all
      select t.typelem where t.typelem <> 0 and t.typlen = -1
      union all
      select r.rngsubtype from pg_catalog.pg_range as r where r.rngtypid = t.oid
      union all
      select a.atttypid
      from pg_catalog.pg_attribute as a
      where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
    ) as made_of (oid)
  )
  select
    t.oid::int8::float8 as oid,
    t.typname::text as name,
    t.typtype::text as kind,
    t.typsend::oid <> 0 and t.typreceive::oid <> 0 as "hasBinaryForm",
    t.typcollation <> 0 as collatable,
    case
      when t.typtype = 'd' then t.typbasetype
      when t.typtype = 'r' then (select r.rngsubtype from pg_catalog.pg_range as r where r.rngtypid = t.oid)
      when t.typelem <> 0 and t.typlen = -1 then t.typelem
      else 0
    end::int8::float8 as inner,
    array(
      select json_build_object('name', a.attname, 'type', a.atttypid::int8)
      from pg_catalog.pg_attribute as a
      where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
      order by a.attnum
    ) as fields
  from reached
  join pg_catalog.pg_type as t on t.oid = reached.oid
`;

/** Types by their OIDs. */
export class TypeTree {
  readonly #types: ReadonlyMap<number, TypeNode>;

  constructor(types: readonly TypeNode[]) {
    this.#types = new Map(types.map((type) => [type.oid, type]));
  }

  get(oid: number | undefined): TypeNode | undefined {
    return oid === undefined ? undefined : this.#types.get(oid);
  }

  /** What a type is made of, one step down. */
  innerOf({ inner, fields }: TypeNode): TypeNode[] {
    return [inner, ...fields.map((field) => field.type)].flatMap((oid) => this.#types.get(oid) ?? []);
  }

  /** Whether the type, or anything that it is made of, is as asked. */
  some(oid: number | undefined, wanted: (type: TypeNode) => boolean): boolean {
    const type = this.get(oid);
    return type !== undefined && (wanted(type) || this.innerOf(type).some((inner) => this.some(inner.oid, wanted)));
  }
}

/** Reads these types and all that they are made of. */
export async function readTypeTree(client: ClientBase, oids: readonly number[]): Promise<TypeTree> {
  const { rows } = await client.query<TypeNode>(typeTree, [[...new Set(oids)]]);
  return new TypeTree(rows);
}
