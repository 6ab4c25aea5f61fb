/** Writes docs/cli.md from the commands: npm run build && node scripts/cli-reference.mjs */
import { writeFile } from "node:fs/promises";
import { program } from "../cli/dist/program.js";
import { reference } from "../cli/dist/reference.js";

await writeFile(new URL("../docs/cli.md", import.meta.url), reference(program("")));
