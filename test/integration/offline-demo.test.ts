import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { repositoryRoot } from "../../local/repository-root.js";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pgmigration-demo-"));
  // The servers run as another user when this runs as root.
  await chmod(folder, 0o755);
});

afterEach(async () => await rm(folder, { recursive: true, force: true }));

/** The demo with all of its temporary files in `folder`. */
function startDemo(...args: string[]): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, [join(repositoryRoot, "dist/demo/demo.js"), ...args], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, TMPDIR: folder },
  });
  let text = "";
  child.stdout?.on("data", (chunk) => {
    text += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    text += chunk;
  });
  return { child, output: () => text };
}

async function exitCode(child: ChildProcess): Promise<number | null> {
  const [code] = child.exitCode === null ? await once(child, "exit") : [child.exitCode];
  return code;
}

/** What is left of the demo's files when its supervisors have had a moment to end. */
async function filesLeft(): Promise<string[]> {
  const limit = Date.now() + 10_000;
  for (;;) {
    const found = await readdir(folder);
    if (found.length === 0 || Date.now() > limit) return found;
    await delay(100);
  }
}

test("the demo shows progress and equal checksums, ends with 0 and leaves no file", async () => {
  const { child, output } = startDemo("--scale", "0.05");
  const code = await exitCode(child);
  expect(output()).toMatch(/many: \d+ tables copied/);
  expect(output()).toMatch(/every row and every sequence is on both sides/);
  expect(output()).not.toMatch(/DIFFER/);
  expect(code).toBe(0);
  expect(await filesLeft()).toEqual([]);
});

test("Ctrl-C in the middle of the demo leaves no file either", async () => {
  const { child, output } = startDemo("--scale", "0.05");
  while (!output().includes("MigratingData") && child.exitCode === null) await delay(20);
  child.kill("SIGINT");
  expect(await exitCode(child)).toBe(130);
  expect(await filesLeft()).toEqual([]);
});

test("an argument that makes no sense is told, with the usage", async () => {
  const { child, output } = startDemo("--scale", "none");
  expect(await exitCode(child)).toBe(2);
  expect(output()).toMatch(/--scale none: give a number.*npm run demo -- /s);
});
