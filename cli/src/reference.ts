/** docs/cli.md, made from the commands themselves. */
import type { Command, Option } from "@commander-js/extra-typings";
import { exitCodeMeanings } from "./exit-codes.js";

/** Options that every command has, told once. */
const sharedOptions = [
  ...["serverName", "resourceGroup", "subscription", "url", "keyFile", "tokenFile", "tokenResource", "output"],
  ...["name", "migrationName"],
];

/** The reference of the command line, as Markdown. */
export function reference(root: Command): string {
  const commands = root.commands as unknown as Command[];
  const shared = sharedOptions.flatMap((name) => {
    const owner = commands.find((command) => optionOf(command, name) !== undefined);
    const option = owner === undefined ? undefined : optionOf(owner, name);
    return option === undefined ? [] : [option];
  });
  return [
    introduction,
    "## Commands",
    commands.map((command) => `- [\`${command.name()}\`](#${command.name()}): ${command.description()}`).join("\n"),
    "## Options of every command",
    optionTable(shared, { withDefaults: false }),
    credentials,
    "## Exit codes",
    [
      "| code | means |",
      "| --- | --- |",
      ...exitCodeMeanings.map(([code, meaning]) => `| ${code} | ${meaning} |`),
    ].join("\n"),
    ...commands.flatMap((command) => sectionOf(command)),
  ]
    .join("\n\n")
    .concat("\n");
}

const introduction = `# pgmigrate

<!-- Made from the commands by scripts/cli-reference.mjs: change them, not this page. -->

The service from a shell: the words of \`az postgres flexible-server migration\`, and what people do beside them.
In a clone, after \`npm ci && npm run build\`, it is \`npx pgmigrate\`.

\`\`\`sh
export PGMIGRATE_URL=https://my-app.azurewebsites.net PGMIGRATE_SERVER=my-target PGMIGRATE_KEY=…
pgmigrate test-connection -b orders.json
pgmigrate validate -b orders.json
pgmigrate create -n orders-1 -b orders.json --watch --until cutover    # an online migration, until it may be cut over
pgmigrate cutover -n orders-1 --watch
pgmigrate report -n orders-1 > orders-1.md
\`\`\`

The properties file is the one that Azure's CLI takes: \`{"properties": {…}}\` with ARM's names; \`tags\` and \`location\`
may stand beside \`properties\`. An option wins over the file.`;

const credentials = `**Passwords** of the servers come from \`--source-password-file\` and \`--target-password-file\`, else
\`PGMIGRATE_SOURCE_PASSWORD\` and \`PGMIGRATE_TARGET_PASSWORD\`, else the properties file
(\`secretParameters.adminCredentials\`), else a prompt. No password, key or token is ever an argument: every user of the
machine can read those.

**Output**: \`json\` (the default of az's own commands), \`table\`, \`tsv\` (a table's values without their titles, numbers
as they are), \`yaml\`, or \`none\`.`;

function sectionOf(command: Command): string[] {
  const own = command.options.filter((option) => !sharedOptions.includes(option.attributeName()));
  const hasName = optionOf(command, "name") !== undefined;
  const head = [`pgmigrate ${command.name()}`, "-s SERVER", ...(hasName ? ["-n NAME"] : [])];
  const usage = [...head, ...own.filter((one) => one.long === "--properties").map(() => "-b FILE")].join(" ");
  const format = optionOf(command, "output")?.defaultValue;
  return [
    `## ${command.name()}`,
    command.description(),
    `\`\`\`sh\n${usage} …\n\`\`\``,
    ...(own.length === 0 ? [] : [optionTable(own, { withDefaults: true })]),
    ...(typeof format === "string" && format !== "json" ? [`Prints a ${format} unless \`-o\` says otherwise.`] : []),
  ];
}

function optionTable(options: readonly Option[], { withDefaults }: { withDefaults: boolean }): string {
  const rows = options.map((option) => {
    const { argChoices, envVar, defaultValue } = option;
    const notes = [
      ...(argChoices === undefined ? [] : [`one of ${argChoices.map((one) => `\`${one}\``).join(", ")}`]),
      ...(envVar === undefined ? [] : [`or \`${envVar}\``]),
      // The format differs by command.
      ...(defaultValue === undefined || (!withDefaults && option.long === "--output")
        ? []
        : [`default \`${String(defaultValue)}\``]),
    ];
    const text = [option.description, ...notes].join("; ");
    return `| \`${option.flags}\` | ${text.replaceAll("|", "\\|")} |`;
  });
  return ["| option | |", "| --- | --- |", ...rows].join("\n");
}

function optionOf(command: Command, name: string): Option | undefined {
  return command.options.find((option) => option.attributeName() === name);
}
