/** The databases of a server, as a person choosing what to migrate wants to see them. */
import type pg from "pg";
import { systemDatabases } from "../model/database-name.js";
import type { ServerLogin } from "../model/server-request.js";
import { withMaintenanceConnection } from "./maintenance-connection.js";

const databasesOfServer = `
  select
    database.datname as name,
    case
      when pg_catalog.has_database_privilege(database.oid, 'connect')
      then pg_catalog.pg_database_size(database.oid)::text
    end as size_bytes,
    pg_catalog.pg_encoding_to_char(database.encoding) as encoding,
    database.datcollate as collation,
    database.datctype as character_type,
    pg_catalog.pg_get_userbyid(database.datdba) as owner
  from pg_catalog.pg_database as database
  where database.datallowconn
    and not database.datistemplate
  order by database.datname
`;

export interface ListedDatabase {
  readonly name: string;
  /** Undefined when the user may not connect to the database. */
  readonly sizeBytes: number | undefined;
  readonly encoding: string;
  readonly collation: string;
  readonly characterType: string;
  readonly owner: string;
}

/**
 * The databases that can be migrated: those that allow connections and are not the server's own.
 * @throws ServiceError as connect() does
 */
export async function listDatabasesOfServer(login: ServerLogin): Promise<ListedDatabase[]> {
  return await withMaintenanceConnection(login, "list databases", readDatabases);
}

/** The same over a session that is open already. */
export async function readDatabases(client: pg.Client): Promise<ListedDatabase[]> {
  const { rows } = await client.query<{
    name: string;
    size_bytes: string | null;
    encoding: string;
    collation: string;
    character_type: string;
    owner: string;
  }>(databasesOfServer);
  return (
    rows
      // Hardly anybody's data is in postgres; who has some there names it.
      .filter((row) => !systemDatabases.has(row.name) && row.name !== "postgres")
      .map((row) => ({
        name: row.name,
        sizeBytes: row.size_bytes === null ? undefined : Number(row.size_bytes),
        encoding: row.encoding,
        collation: row.collation,
        characterType: row.character_type,
        owner: row.owner,
      }))
  );
}
