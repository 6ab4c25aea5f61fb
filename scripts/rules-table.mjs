/** Writes the table of validation rules into README.md: npm run build && node scripts/rules-table.mjs */
import { readFile, writeFile } from "node:fs/promises";
import { withRulesTable } from "../dist/shared/validation/rules-table.js";

const readme = new URL("../README.md", import.meta.url);
await writeFile(readme, await withRulesTable(await readFile(readme, "utf8")));
