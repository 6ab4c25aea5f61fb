import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { appFiles } from "../src/worker/app-files.js";
import { temporaryDirectory } from "./host-process.js";

let root: string;

beforeAll(() => {
  root = temporaryDirectory();
  for (const file of [
    "dist/functions/http/a.js",
    "dist/functions/b.js",
    "dist/functions/b.js.map",
    "dist/orchestrators/c.js",
    "dist/shared/d.js",
  ]) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), "");
  }
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

function filesOf(main: string | undefined): string[] {
  writeFileSync(path.join(root, "package.json"), JSON.stringify({ main }));
  return appFiles(root).map((file) => path.relative(root, file));
}

test.each([
  [
    "dist/{functions,orchestrators}/**/*.js",
    ["dist/functions/b.js", "dist/functions/http/a.js", "dist/orchestrators/c.js"],
  ],
  ["dist/functions/*.js", ["dist/functions/b.js"]],
  ["./dist/shared/d.js", ["dist/shared/d.js"]],
  ["dist/functions/?.js", ["dist/functions/b.js"]],
])("main %s names %j", (main, files) => {
  expect(filesOf(main)).toEqual(files);
});

test("no main and no match are errors that say what to do", () => {
  expect(() => filesOf(undefined)).toThrow('set "main" to the built functions');
  expect(() => filesOf("dist/none/*.js")).toThrow("Has the app been built?");
});
