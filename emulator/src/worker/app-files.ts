import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";

/**
 * The files that package.json's `main` names, as the Functions Node worker resolves it: a path, or a glob with `*`, `**`,
 * `?` and `{a,b}`.
 * @throws Error when there is no `main` or no file matches.
 */
export function appFiles(appDirectory: string): string[] {
  const manifest: unknown = JSON.parse(readFileSync(path.join(appDirectory, "package.json"), "utf8"));
  const main = typeof manifest === "object" && manifest !== null && "main" in manifest ? manifest.main : undefined;
  if (typeof main !== "string" || main === "") {
    throw new Error(`${appDirectory}/package.json names no entry point: set "main" to the built functions.`);
  }
  const files = expandGlob(appDirectory, main);
  if (files.length === 0) {
    throw new Error(`No file matches "main": "${main}" of ${appDirectory}/package.json. Has the app been built?`);
  }
  return files;
}

/** The files under `root` that match `pattern`, absolute, sorted. */
export function expandGlob(root: string, pattern: string): string[] {
  const normal = pattern.replace(/^\.\//, "");
  if (!/[*?{}]/.test(normal)) {
    const file = path.join(root, normal);
    return statSync(file, { throwIfNoEntry: false })?.isFile() ? [file] : [];
  }
  const matcher = globToRegExp(normal);
  // Walking starts below the literal part of the pattern, so that node_modules is not read for "dist/**/*.js".
  const literal = normal.slice(0, normal.search(/[*?{]/));
  const base = path.join(root, path.dirname(`${literal}x`));
  if (!statSync(base, { throwIfNoEntry: false })?.isDirectory()) {
    return [];
  }
  return readdirSync(base, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => matcher.test(path.relative(root, file).split(path.sep).join("/")))
    .sort();
}

function globToRegExp(pattern: string): RegExp {
  let source = "";
  let depth = 0;
  for (let index = 0; index < pattern.length; index++) {
    const character = pattern.charAt(index);
    if (pattern.startsWith("**/", index)) {
      source += "(?:[^/]+/)*";
      index += 2;
    } else if (character === "*") {
      source += "[^/]*";
    } else if (character === "?") {
      source += "[^/]";
    } else if (character === "{") {
      source += "(?:";
      depth++;
    } else if (character === "}" && depth > 0) {
      source += ")";
      depth--;
    } else if (character === "," && depth > 0) {
      source += "|";
    } else {
      source += character.replace(/[.+^$()|[\]\\]/, "\\$&");
    }
  }
  return new RegExp(`^${source}$`);
}
