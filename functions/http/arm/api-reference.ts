/** docs/api.md, made from the operations that are registered and the schemas that they are held to. */
import { z } from "zod";
import { answeredVersion, firstVersion, knownVersions } from "../../../shared/model/api-version.js";
import type { FieldText } from "../../../shared/model/documented.js";
import { MigrationPatchBody } from "../../../shared/model/migration-patch.js";
import { MigrationBody } from "../../../shared/model/migration-request.js";
import { MigrationResource } from "../../../shared/model/migration-resource.js";
import type { Operation } from "./operation.js";

const introduction = `# The HTTP API

Made from the routes and schemas that run, by \`npm run build && node scripts/api-docs.mjs\`. Do not edit it by hand.

Paths, verbs, bodies and status codes are those of \`Microsoft.DBforPostgreSQL/flexibleServers/migrations\`, api-version
${answeredVersion}; what is added stands beside it. Every path is as in Azure, behind the app's own address.

**Versions.** Every \`api-version\` from ${firstVersion} on is taken, later ones than are known here too, and all are
answered in the shape of ${answeredVersion}; without one likewise. What is no version, or older, is 400.

| api-version | sent by |
|---|---|
${knownVersions.map(([version, sentBy]) => `| \`${version}\` | ${sentBy} |`).join("\n")}

**The Azure SDK's client** works unchanged when it is pointed at the app; the key is a header:

\`\`\`ts
const client = new PostgreSQLManagementFlexibleServerClient(credential, subscriptionId, { endpoint: "https://<your app>.azurewebsites.net" });
client.pipeline.addPolicy({
  name: "functionKey",
  sendRequest: (request, next) => next((request.headers.set("x-functions-key", key), request)),
});
await client.migrations.create("rg", "my-target", "first", { location: "westeurope", … });
\`\`\`

**Spelling.** Names of fields and words of enumerations are taken in any case, two-valued fields as "True", "False" or
Booleans, null as absent. A field given twice in different case, and one that is not known, is 400. Former names are
taken: \`dBsToTriggerCutoverMigrationOn\`. \`aadApp\` and \`migrationResourceGroup\` of the first preview are read over.

**Errors** have ARM's shape, \`{"error":{"code","message","target","details":[{"code","target","message"}]}}\`: 400 with
every problem of the body (100 at most), 401, 403, 404, 409 for a conflict of name or state, 412 for an ETag, 413, 415.
A 401 without a body is the Functions host's, for a missing key.

**Headers.** Answers have \`x-ms-request-id\`, \`x-ms-correlation-request-id\` (the request's, if it has one), the
request's \`x-ms-client-request-id\`, \`ETag\` on a migration, and \`Cache-Control: no-store\`.

**Names.** A name stays taken when its migration has ended: its outcome and its warnings can be read until
\`RETENTION_DAYS\` (90) are over, then it is forgotten, and free. DELETE cancels, as Azure's does, and removes nothing: 409
once the migration has ended. To use the name before, PUT with \`If-Match\`: its ETag, or \`*\`. Without it a PUT of the
same body answers the migration that is there, another body is 409, and \`If-None-Match: *\` 412.

**Lost orchestrations.** Where Durable's own endpoint was used to terminate or purge a migration's orchestration, or it failed,
the migration is in \`CleaningUp\` within a minute, and \`Failed\` a minute later, when nothing of it is on either server any
more. Meanwhile DELETE is taken (then it ends \`Canceled\`), new passwords are too, other orders are 409 OrchestrationLost.

**Who may.** A function key. With App Service's sign-in on (\`WEBSITE_AUTH_ENABLED\`), also an app role of the Entra
application: \`Migrations.Read\` for what only reads, \`Migrations.Write\` for everything. Who asked for what is in the
columns \`createdBy\`, \`lastModifiedBy\` and \`audit\` of the table \`Migrations\`, and in \`systemData\`.
`;

/** The whole page. */
export function apiReference(operations: readonly Operation[]): string {
  const parts = [
    ["migrations", "Migrations"],
    ["addition", "Beside ARM"],
    ["resource manager", "What azure-cli asks beside migrations"],
  ] as const;
  const sections = parts.map(([part, title]) => {
    const own = operations.filter((operation) => operation.part === part && !operation.route.endsWith("{*path}"));
    return `## ${title}\n\n${part === "resource manager" ? briefly(own) : own.map(describe).join("\n")}`;
  });
  return `${[introduction, ...sections, resourceTable()].join("\n").trimEnd()}\n`;
}

/** Paths without the part that all of them have. */
function shortPath(route: string): string {
  return `/${route}`.replace(
    "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.DBforPostgreSQL",
    "…",
  );
}

function briefly(operations: readonly Operation[]): string {
  const lines = operations.map(({ method, route, summary }) => `| \`${method} ${shortPath(route)}\` | ${summary} |`);
  return `Any api-version.\n\n| | |\n|---|---|\n${lines.join("\n")}\n`;
}

function describe({ method, route, summary, query, body, answers, access }: Operation): string {
  const needs = access ?? (/^(GET|HEAD)$/.test(method) ? "Read" : "Write");
  const parameters = Object.entries(query ?? {}).map(([name, text]) => `- \`${name}\`: ${text}`);
  const outcomes = Object.entries(answers).map(([status, { when }]) => `${status} (${when})`);
  const fields = body === undefined || body === MigrationBody || body === MigrationPatchBody ? "" : bodyTable(body);
  return [
    `### \`${method} ${shortPath(route)}\`\n`,
    `${summary} Answers ${outcomes.join(", ")}. Role: \`Migrations.${needs}\`.\n`,
    ...(parameters.length === 0 ? [] : [`${parameters.join("\n")}\n`]),
    ...(fields === "" ? [] : [fields]),
  ].join("\n");
}

function bodyTable(body: z.ZodType): string {
  const rows = [...fieldsOf(body)].map(
    ([path, { text, type }]) => `| \`${path}\` | ${text?.form ?? type} | ${text?.description ?? ""} |`,
  );
  return `| field of the body | type | what it is |\n|---|---|---|\n${rows.join("\n")}\n`;
}

/** Every field of the resource and of the bodies that make and change it. */
function resourceTable(): string {
  const [answered, put, patch] = [MigrationResource, MigrationBody, MigrationPatchBody].map((schema) =>
    fieldsOf(schema),
  );
  const paths = new Set([...(put?.keys() ?? []), ...(answered?.keys() ?? []), ...(patch?.keys() ?? [])]);
  const rows = [...paths].sort().map((path) => {
    const field = put?.get(path) ?? answered?.get(path) ?? patch?.get(path);
    const text = put?.get(path)?.text ?? answered?.get(path)?.text ?? patch?.get(path)?.text;
    const setBy = [put?.has(path) && "PUT", patch?.has(path) && "PATCH"].filter((verb) => verb !== false);
    const also = answered?.has(path) === true ? "" : "; not answered";
    const who = setBy.length === 0 ? "the service" : `caller (${setBy.join(", ")}${also})`;
    const azure = text?.azure ?? (text?.added ? "Has it not: an addition." : "The same.");
    return `| \`${path}\` | ${text?.form ?? field?.type ?? ""} | ${who} | ${text?.description ?? ""} | ${azure} |`;
  });
  return `## Every field of a migration\n\n| field | type | set by | here | Azure |\n|---|---|---|---|---|\n${rows.join("\n")}\n`;
}

interface Field {
  readonly type: string;
  readonly text: FieldText | undefined;
}

/** The leaves of a schema by their paths. */
function fieldsOf(schema: z.ZodType | undefined, path = ""): Map<string, Field> {
  const fields = new Map<string, Field>();
  if (schema === undefined) return fields;
  const inner = bare(schema);
  if (inner instanceof z.ZodObject) {
    for (const [name, child] of Object.entries(inner.shape as Record<string, z.ZodType>)) {
      for (const entry of fieldsOf(child, path === "" ? name : `${path}.${name}`)) fields.set(...entry);
    }
    return fields;
  }
  const element = inner instanceof z.ZodArray ? bare(inner.element as z.ZodType) : undefined;
  const valued = inner instanceof z.ZodRecord ? bare(inner.valueType as z.ZodType) : undefined;
  fields.set(path, { type: typeOf(inner), text: textOf(schema) });
  if (element instanceof z.ZodObject) for (const entry of fieldsOf(element, `${path}[]`)) fields.set(...entry);
  if (valued instanceof z.ZodObject) for (const entry of fieldsOf(valued, `${path}.{name}`)) fields.set(...entry);
  return fields;
}

/** What is inside of optional and of what is read before it is checked. */
function bare(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodOptional) return bare(schema.unwrap() as z.ZodType);
  if (schema instanceof z.ZodPipe) {
    const out = schema.out as z.ZodType;
    return bare(out instanceof z.ZodTransform ? (schema.in as z.ZodType) : out);
  }
  return schema;
}

function textOf(schema: z.ZodType): FieldText | undefined {
  return schema.meta() as FieldText | undefined;
}

function typeOf(schema: z.ZodType): string {
  if (schema instanceof z.ZodEnum) return schema.options.map((word) => `\`${word}\``).join(", ");
  if (schema instanceof z.ZodLiteral) return `\`${String(schema.value)}\``;
  if (schema instanceof z.ZodNumberFormat) return "int32";
  if (schema instanceof z.ZodISODateTime) return "time";
  if (schema instanceof z.ZodISODuration) return "duration";
  if (schema instanceof z.ZodArray) {
    return bare(schema.element as z.ZodType) instanceof z.ZodObject ? "list" : "list of strings";
  }
  if (schema instanceof z.ZodRecord) return "object";
  if (schema instanceof z.ZodBoolean) return "Boolean";
  return "string";
}
