/** The options that commands share: where the service is, which migration, who asks, and how the answer looks. */
import { Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { usageError } from "./command-error.js";
import { type CredentialOptions, credentials } from "./credentials.js";
import { MigrationService } from "./migration-service.js";
import { type Format, formats } from "./output/format.js";

const localSubscription = "00000000-0000-0000-0000-000000000000";

/** A command about one target server. */
export function serverCommand(name: string, description: string, format: Format = "json") {
  return new Command(name)
    .description(description)
    .addOption(new Option("-s, --server-name <server>", "the target server").env("PGMIGRATE_SERVER"))
    .addOption(
      new Option("-g, --resource-group <group>", "the target server's resource group")
        .env("PGMIGRATE_RESOURCE_GROUP")
        .default("local"),
    )
    .addOption(
      new Option("--subscription <id>", "the target server's subscription")
        .env("AZURE_SUBSCRIPTION_ID")
        .default(localSubscription),
    )
    .addOption(
      new Option("--url <url>", "where the migration service is").env("PGMIGRATE_URL").default("http://127.0.0.1:7071"),
    )
    .option("--key-file <file>", "a file with the app's function key; or PGMIGRATE_KEY holds the key")
    .option(
      "--token-file <file>",
      "a file with an access token, or with what az account get-access-token prints; or PGMIGRATE_TOKEN holds it",
    )
    .addOption(
      new Option(
        "--token-resource <uri>",
        "get access tokens from az account get-access-token --resource; for an app that asks people to sign in",
      ).env("PGMIGRATE_TOKEN_RESOURCE"),
    )
    .addOption(
      new Option("-o, --output <format>", "how the answer is printed")
        .choices(formats)
        .env("PGMIGRATE_OUTPUT")
        .default(format),
    );
}

/** A command about one migration. */
export function migrationCommand(name: string, description: string, format: Format = "json") {
  return serverCommand(name, description, format)
    .option("-n, --name <name>", "the migration; with --migration-name the target server, as az before 2.86 had it")
    .option("--migration-name <name>", "the migration");
}

interface ServerOptions extends CredentialOptions {
  readonly url: string;
  readonly subscription: string;
  readonly resourceGroup: string;
  readonly serverName?: string | undefined;
  readonly name?: string | undefined;
  readonly migrationName?: string | undefined;
}

/** The service, and the target server's name, of a command's options. */
export function serviceOf(options: ServerOptions): MigrationService {
  // An empty variable is as good as none.
  const server = options.serverName || (options.migrationName === undefined ? undefined : options.name);
  if (server === undefined || server === "") {
    throw usageError("The target server is missing: give --server-name (-s), or set PGMIGRATE_SERVER.");
  }
  if (!URL.canParse(options.url) || !/^https?:$/.test(new URL(options.url).protocol)) {
    throw usageError(`--url "${options.url}" is no address: write e.g. https://my-app.azurewebsites.net.`);
  }
  const { subscription, resourceGroup } = options;
  return new MigrationService(options.url, { subscription, resourceGroup, server }, credentials(options));
}

/** The migration's name of a command's options. */
export function migrationNameOf(options: ServerOptions): string {
  const name = optionalNameOf(options);
  if (name === undefined) throw usageError("The migration's name is missing: give --name (-n) or --migration-name.");
  return name;
}

export function optionalNameOf({ migrationName, name, serverName }: ServerOptions): string | undefined {
  if (migrationName !== undefined && name !== undefined && serverName && name !== migrationName) {
    throw usageError("--name and --migration-name differ: give one of them.");
  }
  return migrationName ?? name;
}

/** An option's number above 0. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError("It must be a number above 0.");
  return value;
}
