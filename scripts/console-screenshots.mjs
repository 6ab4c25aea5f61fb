// Makes the pictures in docs/console anew: the console's own tests play the scenes, so what they show is what is tested.
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, "docs/console");
mkdirSync(folder, { recursive: true });
const { status } = spawnSync("npx", ["vitest", "run", "test/console/console.test.ts"], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, CONSOLE_SCREENSHOTS: folder },
});
process.exit(status ?? 1);
