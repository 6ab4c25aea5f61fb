/** Writes docs/settings.md from the settings' schema: npm run build && node scripts/settings-reference.mjs */
import { readFile, writeFile } from "node:fs/promises";
import { settingsSchema } from "../dist/shared/settings-schema.js";
import { withSettingsTable } from "./settings-table.mjs";

const file = new URL("../docs/settings.md", import.meta.url);
await writeFile(file, withSettingsTable(await readFile(file, "utf8"), settingsSchema));
