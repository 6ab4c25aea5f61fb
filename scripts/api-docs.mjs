/** Writes docs/api.md from the operations and their schemas: npm run build && node scripts/api-docs.mjs */
import { readdir, writeFile } from "node:fs/promises";
import { apiReference } from "../dist/functions/http/arm/api-reference.js";
import { operations } from "../dist/functions/http/arm/operation.js";

const folder = new URL("../dist/functions/http/", import.meta.url);
for (const file of (await readdir(folder)).filter((name) => name.endsWith(".js")).sort()) {
  await import(new URL(file, folder));
}
await writeFile(new URL("../docs/api.md", import.meta.url), apiReference(operations()));
