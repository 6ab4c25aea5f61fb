/** Every link of a document to another, or to a heading, leads somewhere. */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { repositoryRoot } from "../../local/repository-root.js";

const folders = [".", "docs", "conformance", "emulator", "cli", "infra"];

async function documents(): Promise<string[]> {
  const lists = folders.map(async (folder) =>
    (await readdir(join(repositoryRoot, folder)))
      .filter((name) => name.endsWith(".md"))
      .map((name) => join(folder, name)),
  );
  return (await Promise.all(lists)).flat();
}

/** As GitHub names a heading's anchor. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .trim()
    .replaceAll(" ", "-");
}

test.each(await documents())("%s", async (file) => {
  const text = (await readFile(join(repositoryRoot, file), "utf8")).replaceAll(/^```[\s\S]*?^```/gm, "");
  const broken: string[] = [];
  for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [path = "", heading] = target.split("#");
    const linked = path === "" ? file : join(dirname(file), path);
    if (!existsSync(join(repositoryRoot, linked))) broken.push(target);
    else if (heading !== undefined) {
      const headings = [...(await readFile(join(repositoryRoot, linked), "utf8")).matchAll(/^#+ (.*)$/gm)];
      if (!headings.some(([, words = ""]) => anchor(words) === heading)) broken.push(target);
    }
  }
  expect(broken).toEqual([]);
});

test("README.md is short", async () => {
  const lines = (await readFile(join(repositoryRoot, "README.md"), "utf8")).split("\n").length - 1;
  expect(lines).toBeLessThanOrEqual(150);
});
