import pg from "pg";

/** A server that a seed plants databases on; connections are a superuser's. */
export interface SeedServer {
  connect(database?: string): Promise<pg.Client>;
}

/** Creates an empty database, replacing one of that name, and runs `plant` in it. */
export async function inNewDatabase(
  server: SeedServer,
  database: string,
  plant: (client: pg.Client) => Promise<void>,
): Promise<void> {
  const admin = await server.connect();
  try {
    await admin.query(`drop database if exists ${pg.escapeIdentifier(database)}`);
    await admin.query(`create database ${pg.escapeIdentifier(database)} template template0`);
  } finally {
    await admin.end();
  }
  const client = await server.connect(database);
  try {
    await plant(client);
  } finally {
    await client.end();
  }
}

/** Creates login-less roles that are not there yet. */
export async function createRoles(server: SeedServer, roles: readonly string[]): Promise<void> {
  const admin = await server.connect();
  try {
    for (const role of roles) {
      const { rowCount } = await admin.query("select 1 from pg_catalog.pg_roles where rolname = $1", [role]);
      if (rowCount === 0) await admin.query(`create role ${pg.escapeIdentifier(role)}`);
    }
  } finally {
    await admin.end();
  }
}
