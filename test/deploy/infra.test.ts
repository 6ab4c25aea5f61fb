import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { repositoryRoot } from "../../local/repository-root.js";

const run = promisify(execFile);
const infra = join(repositoryRoot, "infra");

interface Template {
  readonly parameters: Readonly<Record<string, { readonly type: string; readonly defaultValue?: unknown }>>;
  readonly resources: unknown;
}

test("every parameter that azd fills in is one of main.bicep's", async () => {
  const source = await readFile(join(infra, "main.bicep"), "utf8");
  const declared = [...source.matchAll(/^param (\w+)/gm)].map(([, name]) => name);
  const { parameters } = JSON.parse(await readFile(join(infra, "main.parameters.json"), "utf8"));
  expect(declared).toEqual(expect.arrayContaining(Object.keys(parameters)));
});

test("azure.yaml deploys the folder that npm run package makes, to the app with the service's tag", async () => {
  const { services, hooks } = parse(await readFile(join(repositoryRoot, "azure.yaml"), "utf8"));
  expect(services.migrations.project).toBe(".package/app");
  expect(hooks.prepackage.posix.run).toContain("npm run package");
  expect(await readFile(join(infra, "main.bicep"), "utf8")).toContain("'azd-service-name': 'migrations'");
});

describe.skipIf(!bicepCanBeHad())("compiled by Microsoft's Bicep, with the published types of all resources", () => {
  let folder: string;
  let bicep: string;
  let template: Template;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pgmigration-infra-"));
    await run("dotnet", ["restore", join(infra, "check/check.csproj"), `-p:BaseIntermediateOutputPath=${folder}/`]);
    const { stdout } = await run("dotnet", ["nuget", "locals", "global-packages", "--list"]);
    const packages = stdout.split(": ")[1]?.trim() ?? "";
    const compiler = join(packages, "azure.bicep.commandline.linux-x64");
    const [version = ""] = await readdir(compiler);
    bicep = join(compiler, version, "tools/bicep");
    const built = await run(bicep, ["build", join(infra, "main.bicep"), "--stdout"], { maxBuffer: 16 * 1024 * 1024 });
    expect(built.stderr).toBe("");
    template = JSON.parse(built.stdout);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("no warning, from the compiler or the linter", async () => {
    expect(await run(bicep, ["lint", join(infra, "main.bicep")])).toEqual({ stdout: "", stderr: "" });
  });

  test("a property that a resource does not have is noticed", async () => {
    const source = await readFile(join(infra, "modules/storage.bicep"), "utf8");
    const broken = join(folder, "broken.bicep");
    await writeFile(broken, source.replace("allowSharedKeyAccess:", "allowSharedKeys:"));
    expect((await run(bicep, ["build", broken, "--stdout"])).stderr).toContain("allowSharedKeys");
  });

  test("the storage account has no keys, the vault cannot be purged, and the key is never written twice", () => {
    const text = JSON.stringify(template);
    expect(text).toContain('"allowSharedKeyAccess":false');
    expect(text).toContain('"enablePurgeProtection":true');
    expect(text).toMatch(/"onlyIfNotExists":\[?/);
    expect(text).toContain('"unauthenticatedClientAction":"Return401"');
  });

  test("the key that is generated is one that the service takes, whatever the GUIDs are", () => {
    // As modules/vault.bicep puts it together.
    const guid = () => crypto.randomUUID();
    const key = `${`${guid()}${guid()}${guid()}`.replaceAll("-", "").toLowerCase().slice(0, 42)}A=`;
    expect(Buffer.from(key, "base64")).toHaveLength(32);
    expect(Buffer.from(key, "base64").toString("base64")).toBe(key);
  });

  test("no role is more than the list in docs/operations.md", () => {
    const roles = new Set(
      [...JSON.stringify(template).matchAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g)].map(([id]) => id),
    );
    expect([...roles].sort()).toEqual([
      "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
      "0ad04412-c4d5-4796-b79c-f76d14c8d402",
      "3913510d-42f4-4e42-8a64-420c390055eb",
      "4633458b-17de-408a-b874-0445c86b69e6",
      "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
      "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
      "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
    ]);
  });
});

/** Where there is no .NET SDK, or no compiler for the machine, the template is not compiled. */
function bicepCanBeHad(): boolean {
  if (process.platform !== "linux" || process.arch !== "x64") return false;
  try {
    execFileSync("dotnet", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
