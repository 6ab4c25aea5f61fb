import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

it("nothing but shared/ledger names the ledger's tables", () => {
  const files = execFileSync("git", ["ls-files", "functions", "orchestrators", "shared"], { encoding: "utf8" });
  const strangers = files
    .split("\n")
    .filter((file) => file.endsWith(".ts") && !file.startsWith("shared/ledger/"))
    .filter((file) => readFileSync(file, "utf8").includes("_pgmig"));
  expect(strangers).toEqual([]);
});
