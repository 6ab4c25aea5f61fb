import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** The folder with package.json, whether this runs from the sources or from dist. */
export const repositoryRoot: string = (() => {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, "package.json"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error("package.json not found above this file");
    folder = parent;
  }
  return folder;
})();
