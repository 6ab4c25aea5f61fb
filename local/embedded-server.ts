import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { appendFile, chmod, chown, copyFile, mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { makeCluster } from "./cluster-template.js";
import { freePort } from "./free-port.js";
import { repositoryRoot } from "./repository-root.js";
import { scramVerifier } from "./scram-verifier.js";
import { binariesWithExtensions, installedMajor, type Major, serverBinaries, serverUser } from "./server-binaries.js";
import { SupervisedProcess } from "./supervised-process.js";

const _run = promisify(execFile);

export interface EmbeddedServerOptions {
  /** Wanted major; elsewhere than on linux-x64, where npm has no 12, the oldest one there is. */
  major: Major;
  /** postgresql.conf settings, over the defaults below. */
  settings?: Record<string, string>;
  /** Name of the superuser, default "postgres". */
  superuser?: string;
  /** Lines put in front of pg_hba.conf. */
  hba?: string[];
  /** Serve TLS with the certificate in local/tls, or with one of another host name, of nobody's authority, or from long ago. */
  tls?: boolean | "wrong-host" | "foreign" | "expired";
  /** initdb --locale, default "C". */
  locale?: string;
  /** Extensions that only this server has: control files and scripts, name → text. */
  extensions?: Readonly<Record<string, string>>;
  /** Keep the cluster in this folder and leave it there; default: a temporary one, removed at the end. */
  dataDirectory?: string;
}

// Safety against a power failure is worth nothing to a cluster that is thrown away. synchronous_commit stays on: it costs
// nothing without fsync, and a test that kills the server counts on what was committed.
const throwawaySettings = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  fsync: "off",
  full_page_writes: "off",
  max_wal_size: "4GB",
  lc_messages: "C",
};

/** A certificate authority that test servers' certificates are signed by; and one that signed none of them. */
export const testCertificateAuthority = join(repositoryRoot, "local/tls/ca.crt");
export const foreignCertificateAuthority = join(repositoryRoot, "local/tls/foreign-ca.crt");

/** A real PostgreSQL server of its own on 127.0.0.1, gone with the process that started it. */
export class EmbeddedServer {
  readonly major: Major;
  readonly host = "127.0.0.1";
  readonly port: number;
  readonly user: string;
  #password: string;
  readonly #binaries: string;
  readonly #folder: string;
  readonly #data: string;
  readonly #tls: boolean;
  #process: SupervisedProcess | undefined;
  #guard: SupervisedProcess;

  private constructor(fields: {
    major: Major;
    port: number;
    user: string;
    password: string;
    binaries: string;
    folder: string;
    data: string;
    tls: boolean;
    guard: SupervisedProcess;
  }) {
    this.major = fields.major;
    this.port = fields.port;
    this.user = fields.user;
    this.#password = fields.password;
    this.#binaries = fields.binaries;
    this.#folder = fields.folder;
    this.#data = fields.data;
    this.#tls = fields.tls;
    this.#guard = fields.guard;
  }

  /** Makes a cluster and starts it. Throws with the server's log when it does not come up. */
  static async start(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
    const major = installedMajor(options.major);
    const folder = await mkdtemp(join(tmpdir(), "pgmigration-server-"));
    const guard = await SupervisedProcess.start({ remove: [folder] });
    guard.unref();
    await giveToServerUser(folder);
    const binaries =
      options.extensions === undefined
        ? await serverBinaries(major)
        : await binariesWithExtensions(major, join(folder, "installation"), options.extensions);
    const server = new EmbeddedServer({
      major,
      port: await freePort(),
      user: options.superuser ?? "postgres",
      password: `pw-${randomBytes(18).toString("base64url")}`,
      binaries,
      folder,
      data: options.dataDirectory ?? join(folder, "data"),
      tls: options.tls !== undefined && options.tls !== false,
      guard,
    });
    try {
      const { password } = server;
      server.#password = await server.#initialise(options);
      await server.#launch();
      if (server.password !== password) await server.#changePassword(password);
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** Random per server, so that a test may search for it wherever it must not appear. */
  get password(): string {
    return this.#password;
  }

  connectionString(database = "postgres"): string {
    const user = encodeURIComponent(this.user);
    return `postgres://${user}:${encodeURIComponent(this.password)}@${this.host}:${this.port}/${encodeURIComponent(database)}`;
  }

  /** A connected client of the superuser. The caller ends it. */
  async connect(database = "postgres"): Promise<pg.Client> {
    const client = new pg.Client({
      host: this.host,
      port: this.port,
      user: this.user,
      password: this.password,
      database,
      application_name: "test",
      // Whose certificate it is, is what tests of the product look at.
      ssl: this.#tls ? { rejectUnauthorized: false } : false,
    });
    // A server that is stopped under an idle client makes it emit an error that nobody is waiting for.
    client.on("error", () => {});
    await client.connect();
    return client;
  }

  /** Runs statements on a connection of their own and answers the last one's rows. */
  async query<Row extends pg.QueryResultRow = pg.QueryResultRow>(
    sql: string,
    options: { database?: string; values?: unknown[] } = {},
  ): Promise<Row[]> {
    const client = await this.connect(options.database);
    try {
      return (await client.query<Row>(sql, options.values)).rows;
    } finally {
      await client.end();
    }
  }

  /** What the server has logged. */
  async log(): Promise<string> {
    return await readFile(join(this.#folder, "log"), "utf8").catch(() => "");
  }

  /** Fast shutdown; the cluster is removed. */
  async stop(): Promise<void> {
    await this.#halt("SIGINT");
    await this.#guard.release();
  }

  /** Fast shutdown, then the same cluster on the same port again. */
  async restart(): Promise<void> {
    await this.#halt("SIGINT");
    await this.#launch();
  }

  /** Ends the server as a crash would. `restart` brings it back, through recovery. */
  async kill(): Promise<void> {
    await this.#halt("SIGQUIT");
  }

  async #changePassword(password: string): Promise<void> {
    const client = await this.connect();
    try {
      await client.query("set default_transaction_read_only = off; set log_statement = none");
      await client.query(`alter role current_user password '${scramVerifier(password)}'`);
    } finally {
      await client.end();
    }
    this.#password = password;
  }

  /** @returns the superuser's password so far */
  async #initialise(options: EmbeddedServerOptions): Promise<string> {
    if (existsSync(join(this.#data, "PG_VERSION"))) throw new Error(`${this.#data} already holds a cluster`);
    await mkdir(this.#data, { recursive: true, mode: 0o700 });
    await giveToServerUser(this.#data);
    const kind = { binaries: this.#binaries, superuser: this.user, locale: options.locale ?? "C" };
    // An installation of its own is used once.
    const templates = options.extensions === undefined ? process.env.EMBEDDED_SERVER_TEMPLATES : undefined;
    const { password } = await makeCluster(kind, this.#data, this.password, templates);
    if (options.tls) await this.#installCertificate(options.tls === true ? "server" : options.tls);
    const settings = {
      ...throwawaySettings,
      port: String(this.port),
      ...(options.tls ? { ssl: "on" } : {}),
      ...options.settings,
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`);
    await appendFile(join(this.#data, "postgresql.conf"), lines.join(""));
    if (options.hba !== undefined) {
      const file = join(this.#data, "pg_hba.conf");
      await writeFile(file, `${options.hba.join("\n")}\n${await readFile(file, "utf8")}`);
    }
    return password;
  }

  async #installCertificate(name: string): Promise<void> {
    for (const extension of ["crt", "key"]) {
      const target = join(this.#data, `server.${extension}`);
      await copyFile(join(repositoryRoot, "local/tls", `${name}.${extension}`), target);
      await chmod(target, 0o600);
      await giveToServerUser(target);
    }
  }

  async #launch(): Promise<void> {
    this.#process = await SupervisedProcess.start({
      command: join(this.#binaries, "postgres"),
      args: ["-D", this.#data],
      ...serverUser(),
      cwd: this.#folder,
      // Whose home it is that the server's own connections to others look for certificates in: not ours, which it may not read.
      env: { ...process.env, HOME: this.#folder },
      log: join(this.#folder, "log"),
      // Nothing of a throw-away cluster is worth a checkpoint.
      endSignal: "SIGQUIT",
    });
    const limit = Date.now() + 30_000;
    for (;;) {
      try {
        await (await this.connect()).end();
        return;
      } catch (error) {
        if (!this.#process.running || Date.now() > limit) {
          throw new Error(`PostgreSQL ${this.major} did not start: ${(await this.log()).slice(-2_000)}`, {
            cause: error,
          });
        }
        await delay(25);
      }
    }
  }

  async #halt(signal: NodeJS.Signals): Promise<void> {
    const running = this.#process;
    if (running === undefined) return;
    this.#process = undefined;
    running.signal(signal);
    await Promise.race([running.exited, delay(10_000, undefined, { ref: false })]);
    await running.release();
  }
}

async function giveToServerUser(path: string): Promise<void> {
  const user = serverUser();
  if (user !== undefined) await chown(path, user.uid, user.gid);
}
