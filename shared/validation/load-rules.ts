/** Finding the rules: every module in rules/server and rules/database, so that a new rule touches no list. */
import { readdir } from "node:fs/promises";
import { z } from "zod";
import { migrationModes } from "../model/migration.js";
import type { DatabaseRule, Rule, ServerRule } from "./rule.js";

const RuleModule = z.object({
  rule: z.object({
    id: z.string(),
    title: z.string().min(1),
    scope: z.enum(["server", "database"]),
    modes: z.array(z.enum(migrationModes)).min(1),
    remedy: z.string().min(1),
    gate: z.literal(true).optional(),
    check: z.custom<Rule["check"]>((value) => typeof value === "function"),
  }),
});

let serverRules: Promise<readonly ServerRule[]> | undefined;
let databaseRules: Promise<readonly DatabaseRule[]> | undefined;

/** The rules about the two servers: gates first, then by id. Loaded once. @throws Error naming the file that exports no rule. */
export async function loadServerRules(): Promise<readonly ServerRule[]> {
  serverRules ??= load<ServerRule>("server");
  return await serverRules;
}

/** The rules about one database: gates first, then by id. Loaded once. @throws Error naming the file that exports no rule. */
export async function loadDatabaseRules(): Promise<readonly DatabaseRule[]> {
  databaseRules ??= load<DatabaseRule>("database");
  return await databaseRules;
}

async function load<R extends Rule>(scope: R["scope"]): Promise<readonly R[]> {
  const folder = new URL(`rules/${scope}/`, import.meta.url);
  // Compiled, there are .js and .js.map; as source, .ts.
  const files = (await readdir(folder)).filter((file) => /(?<!\.d)\.[jt]s$/.test(file)).sort();
  const rules = await Promise.all(files.map((file) => loadFile<R>(new URL(file, folder), scope)));
  return [...rules.filter(({ gate }) => gate === true), ...rules.filter(({ gate }) => gate !== true)];
}

async function loadFile<R extends Rule>(file: URL, scope: R["scope"]): Promise<R> {
  const module: { rule?: unknown } = await import(/* @vite-ignore */ file.href);
  const parsed = RuleModule.safeParse(module);
  const id = decodeURIComponent(file.pathname)
    .replace(/^.*\//, "")
    .replace(/\.[jt]s$/, "");
  if (!parsed.success) throw new Error(`${file.pathname}: ${z.prettifyError(parsed.error)}`);
  if (parsed.data.rule.id !== id)
    throw new Error(`${file.pathname}: the rule's id is ${parsed.data.rule.id}, not ${id}.`);
  if (parsed.data.rule.scope !== scope) throw new Error(`${file.pathname}: the rule's scope is not ${scope}.`);
  return module.rule as R;
}
