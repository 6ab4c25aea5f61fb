/** Writes the table of validation rules into docs/validation-rules.md: npm run build && node scripts/rules-reference.mjs */
import { readFile, writeFile } from "node:fs/promises";
import { loadDatabaseRules, loadServerRules } from "../dist/shared/validation/load-rules.js";
import { withRulesTable } from "./rules-table.mjs";

const file = new URL("../docs/validation-rules.md", import.meta.url);
const rules = [...(await loadServerRules()), ...(await loadDatabaseRules())];
await writeFile(file, withRulesTable(await readFile(file, "utf8"), rules));
