/** What a server knows of large objects beside their bytes: who owns them, who may do what, what is said about them. */
import type pg from "pg";

export interface LargeObjectPrivilege {
  readonly grantor: string;
  /** Undefined for everybody (PUBLIC). */
  readonly grantee?: string;
  readonly privilege: "SELECT" | "UPDATE";
  /** WITH GRANT OPTION. */
  readonly grantable: boolean;
}

export interface LargeObjectProperties {
  /** An OID, as text. */
  readonly oid: string;
  readonly owner: string;
  /** In the order of the access control list; undefined when there is none: only the owner may do anything, and he everything. */
  readonly privileges?: readonly LargeObjectPrivilege[];
  readonly comment?: string;
  readonly labels: readonly { readonly provider: string; readonly label: string }[];
}

const largeObjectProperties = `
  select
    object.oid::text as oid,
    pg_catalog.pg_get_userbyid(object.lomowner) as owner,
    case when object.lomacl is not null then coalesce((
      select json_agg(json_build_object(
        'grantor', pg_catalog.pg_get_userbyid(granted.grantor),
        'grantee', case when granted.grantee <> 0 then pg_catalog.pg_get_userbyid(granted.grantee) end,
        'privilege', granted.privilege_type,
        'grantable', granted.is_grantable
      ) order by granted.place)
      from pg_catalog.aclexplode(object.lomacl)
        with ordinality as granted (grantor, grantee, privilege_type, is_grantable, place)
    ), '[]') end as privileges,
    (
      select said.description
      from pg_catalog.pg_description as said
      where said.classoid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass
        and said.objoid = object.oid
        and said.objsubid = 0
    ) as comment,
    coalesce((
      select json_agg(json_build_object('provider', labelled.provider, 'label', labelled.label))
      from pg_catalog.pg_seclabel as labelled
      where labelled.classoid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass
        and labelled.objoid = object.oid
        and labelled.objsubid = 0
    ), '[]') as labels
  from pg_catalog.pg_largeobject_metadata as object
  where object.oid::bigint >= $1
    and object.oid::bigint < $2
  order by object.oid
`;

interface PropertiesRow {
  oid: string;
  owner: string;
  privileges: { grantor: string; grantee: string | null; privilege: "SELECT" | "UPDATE"; grantable: boolean }[] | null;
  comment: string | null;
  labels: { provider: string; label: string }[];
}

/** @param end the first OID after the range */
export async function readLargeObjectProperties(
  source: pg.ClientBase,
  first: number,
  end: number,
): Promise<LargeObjectProperties[]> {
  const { rows } = await source.query<PropertiesRow>(largeObjectProperties, [first, end]);
  return rows.map(({ oid, owner, privileges, comment, labels }) => ({
    oid,
    owner,
    ...(privileges !== null && {
      privileges: privileges.map(({ grantee, ...granted }) => ({ ...granted, ...(grantee !== null && { grantee }) })),
    }),
    ...(comment !== null && { comment }),
    labels,
  }));
}
