import { usageError } from "../command-error.js";
import { exitCodes } from "../exit-codes.js";
import { migrationBody } from "../migration-body.js";
import { print } from "../output/format.js";
import type { Column } from "../output/table.js";
import { isObject, type JsonObject } from "../properties-file.js";
import { serverCommand, serviceOf } from "../service-options.js";

interface Probe {
  readonly side: string;
  readonly outcome: JsonObject;
}

const columns: readonly Column<Probe>[] = [
  { title: "Side", value: ({ side }) => side },
  { title: "Server", value: ({ outcome }) => textOf(outcome.server) },
  { title: "User", value: ({ outcome }) => textOf(outcome.user) },
  { title: "Reachable", value: ({ outcome }) => outcome.reachable === true },
  { title: "Version", value: ({ outcome }) => textOf(outcome.version) },
  { title: "TLS", value: ({ outcome }) => (isObject(outcome.tls) ? tlsOf(outcome.tls) : "") },
  { title: "Error", value: ({ outcome }) => (isObject(outcome.error) ? textOf(outcome.error.message) : "") },
];

export function testConnection() {
  return serverCommand(
    "test-connection",
    "Ask the service whether it reaches the source, the target or both; a server without a password is left out.",
    "table",
  )
    .option("-b, --properties <file>", "a migration's properties file; - is the standard input")
    .option("--source-password-file <file>", "a file with the password of the source's user")
    .option("--target-password-file <file>", "a file with the password of the target's user")
    .action(async (options) => {
      const answer = await serviceOf(options).testConnection(await migrationBody(options, ["source", "target"], true));
      const rows = ["source", "target"].flatMap((side) => {
        const outcome = answer[side];
        return isObject(outcome) ? [{ side, outcome }] : [];
      });
      if (rows.length === 0) throw usageError("No password of a server was given: there was nothing to test.");
      print({ value: answer, rows, columns }, options.output);
      const all = rows.every(({ outcome }) => outcome.reachable === true);
      process.exitCode = all ? exitCodes.succeeded : exitCodes.serverUnreachable;
    });
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function tlsOf(tls: JsonObject): string {
  return tls.inUse === true ? textOf(tls.version) || "yes" : "no";
}
