/** The schema by a pg_dump program on this machine: for whoever has one, and trusts it more than WebAssembly. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { allowedAddress } from "../addresses/guarded-lookup.js";
import type { ServerEndpoint } from "../model/migration.js";
import { eventTriggerSettings, passwordOf } from "../postgres/connect.js";
import { neutralSettings, startupOptions } from "../postgres/session-settings.js";
import { settings } from "../settings.js";
import { dumpFailed, pgDumpArguments, type SchemaDumpOptions, withinLimits } from "./schema-dump.js";

/** A server and its secret, for a pg_dump that logs in by itself. */
export interface NativeDumpConnection {
  readonly endpoint: ServerEndpoint;
  readonly password: string;
  readonly database: string;
  /** As in ConnectOptions. */
  readonly withoutEventTriggers?: boolean;
}

/**
 * As dumpSchema(), by a pg_dump 18 at the given path, which logs in by itself.
 * The password travels in its environment, where only this user's processes can see it.
 */
export async function dumpSchemaNatively(
  program: string,
  connection: NativeDumpConnection,
  options: SchemaDumpOptions,
): Promise<string> {
  options.signal?.throwIfAborted();
  const { endpoint, database } = connection;
  const root = rootCertificateFile();
  const child = spawn(program, pgDumpArguments(options), {
    env: {
      PATH: process.env.PATH,
      PGHOST: endpoint.host,
      // The name is for the certificate; resolved again it could lead elsewhere.
      PGHOSTADDR: await allowedAddress(endpoint.host),
      PGPORT: String(endpoint.port),
      PGUSER: endpoint.user,
      PGDATABASE: database,
      PGPASSWORD: await passwordOf(connection),
      PGOPTIONS: startupOptions(neutralSettings(eventTriggerSettings(connection))),
      PGSSLMODE: { Prefer: "prefer", Require: "require", VerifyCA: "verify-ca", VerifyFull: "verify-full" }[
        endpoint.sslMode
      ],
      ...(root === undefined ? {} : { PGSSLROOTCERT: root }),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output: Buffer[] = [];
  let complaints = "";
  child.stdout.on("data", (bytes: Buffer) => output.push(bytes));
  child.stderr.on("data", (bytes: Buffer) => {
    complaints += bytes.toString();
  });
  try {
    return await withinLimits<string>(options, (resolve, reject) => {
      child.on("error", (error) => reject(dumpFailed(options.section, error.message, error)));
      child.on("close", (code) =>
        code === 0
          ? resolve(Buffer.concat(output).toString(options.bytesIn === undefined ? "utf8" : "latin1"))
          : reject(dumpFailed(options.section, `exit code ${code}: ${complaints}`)),
      );
    });
  } finally {
    child.kill("SIGKILL");
    if (root !== undefined && root !== settings().sslRootCertificate) rmSync(dirname(root), { recursive: true });
  }
}

/** SSL_ROOT_CERTIFICATE, for libpq: a file. */
function rootCertificateFile(): string | undefined {
  const root = settings().sslRootCertificate;
  if (root?.includes("-----BEGIN") !== true) return root;
  const file = join(mkdtempSync(join(tmpdir(), "roots-")), "roots.pem");
  writeFileSync(file, root);
  return file;
}
