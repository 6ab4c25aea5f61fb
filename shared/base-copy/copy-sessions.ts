/** The sessions of a copy activity: one that reads the database's snapshot on the source, one that loads on the target. */
import type pg from "pg";
import { ServiceError } from "../model/service-error.js";
import type { DatabaseStep } from "../model/steps.js";
import { abandonSession, type ConnectOptions, connect, endSession } from "../postgres/connect.js";
import { importSnapshot } from "../postgres/snapshot.js";
import { serverVersion } from "../postgres/source-tables.js";
import { getDatabase } from "../status/databases.js";

export interface OpenSessions {
  readonly source: pg.Client;
  readonly sourceVersion: number;
  readonly target: pg.Client;
}

/** The two sessions that the parts of a task are copied with: opened when first needed, and again after a broken copy. */
export class CopySessions {
  readonly #source: ConnectOptions;
  readonly #target: ConnectOptions;
  readonly #database: DatabaseStep;
  #open: OpenSessions | undefined;

  constructor(source: ConnectOptions, target: ConnectOptions, database: DatabaseStep) {
    this.#source = source;
    this.#target = target;
    this.#database = database;
  }

  async open(): Promise<OpenSessions> {
    this.#open ??= await this.#connect();
    return this.#open;
  }

  /** Closes the sockets at once: both servers roll back. */
  abandon(): void {
    if (this.#open === undefined) return;
    abandonSession(this.#open.source);
    abandonSession(this.#open.target);
    this.#open = undefined;
  }

  async end(): Promise<void> {
    if (this.#open === undefined) return;
    await Promise.all([endSession(this.#open.source), endSession(this.#open.target)]);
    this.#open = undefined;
  }

  async #connect(): Promise<OpenSessions> {
    const source = await connect(this.#source);
    try {
      const sourceVersion = await serverVersion(source);
      await this.#importSnapshot(source);
      return { source, sourceVersion, target: await connect(this.#target) };
    } catch (error) {
      await endSession(source);
      throw error;
    }
  }

  /** The relay may change the snapshot's name between our reading it and importing it: the name that is current then is tried once more. */
  async #importSnapshot(source: pg.Client): Promise<void> {
    const first = await this.#snapshot();
    try {
      await importSnapshot(source, first);
    } catch (error) {
      const second = await this.#snapshot();
      if (second === first) throw error;
      await source.query("rollback");
      await importSnapshot(source, second);
    }
  }

  async #snapshot(): Promise<string> {
    const row = await getDatabase(this.#database.key, this.#database.database);
    if (row?.snapshot === undefined) {
      throw new ServiceError("SnapshotLost", `The snapshot of database ${this.#database.database} has been closed.`);
    }
    return row.snapshot;
  }
}
