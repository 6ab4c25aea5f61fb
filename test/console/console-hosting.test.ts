/** Where the console is served: behind function keys, and under another route prefix. */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repositoryRoot } from "../../local/repository-root.js";
import { Service } from "../../local/service.js";
import { PlatformSignIn } from "../fixtures/platform-sign-in.js";
import { browserPath, launchBrowser, noBrowser, openPage } from "./browser.js";

if (browserPath === undefined) console.warn(`The console's tests are skipped: ${noBrowser}.`);

const view = { width: 1280, theme: "light" } as const;

describe.skipIf(browserPath === undefined)("console, hosted", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(async () => await browser?.close());

  it("asks for the function key once, keeps it for the tab alone, and asks again when it is refused", async () => {
    const service = await Service.start({ instances: 1, args: ["--auth"] });
    try {
      const keys: { default: string } = JSON.parse(await readFile(join(service.storage, "keys.json"), "utf8"));
      const { page, context } = await openPage(browser, view);
      await page.goto(service.url);
      await page.getByLabel("Key", { exact: true }).fill("not the key");
      await page.getByRole("button", { name: "Continue" }).click();
      await page.getByText("The service refused the key.").waitFor();
      await page.getByLabel("Key", { exact: true }).fill(keys.default);
      await page.getByRole("button", { name: "Continue" }).click();
      await page.getByText("No migration has been made yet.").waitFor();
      await page.reload();
      await page.getByText("No migration has been made yet.").waitFor();
      expect(page.url()).not.toContain(keys.default);
      expect(await page.evaluate("JSON.stringify(localStorage) + document.cookie")).not.toContain(keys.default);
      await context.close();
    } finally {
      await service.stop();
    }
  });

  it("names who the platform has signed in, asks for no key, and tells who may not", async () => {
    const service = await Service.start({ instances: 1, settings: { WEBSITE_AUTH_ENABLED: "True" } });
    const ada = await PlatformSignIn.start(service.url, { name: "ada@example.com", roles: ["Migrations.Write"] });
    const nobody = await PlatformSignIn.start(service.url, { name: "nobody@example.com", roles: [] });
    try {
      const { page, context, errors } = await openPage(browser, view);
      await page.goto(`${ada.url}/console/`);
      await page.getByText("No migration has been made yet.").waitFor();
      await page.getByRole("button", { name: /ada@example\.com/ }).click();
      await page.getByRole("menuitem", { name: "Sign out" }).waitFor();
      expect(await page.getByLabel("Key", { exact: true }).count()).toBe(0);
      expect(errors).toEqual([]);
      await page.goto(`${nobody.url}/console/`);
      await page.getByText(/nobody@example\.com has not the app role/).waitFor();
      await context.close();
    } finally {
      await Promise.all([ada.stop(), nobody.stop()]);
      await service.stop();
    }
  });

  it("works under another route prefix, and serves nothing that is not in its manifest", async () => {
    // The app as it is deployed, with another host.json.
    const app = await mkdtemp(join(tmpdir(), "console-app-"));
    const service = await startApp(app);
    try {
      const { page, context, errors } = await openPage(browser, view);
      await page.goto(`${service.url}/api/console`);
      await page.getByText("No migration has been made yet.").waitFor();
      expect(new URL(page.url()).pathname).toBe("/api/console/");
      await page.goto(`${service.url}/api/console/servers/s/g/target`);
      await page.getByText("There is no migration to this server yet.").waitFor();
      expect(errors).toEqual([]);
      await context.close();
      const home = await fetch(`${service.url}/api`, { redirect: "manual" });
      expect(home.headers.get("location")).toBe("/api/console/");
      for (const path of [
        "manifest.json",
        "assets/..%2f..%2fhost.json",
        "%2e%2e/%2e%2e/package.json",
        "assets/none.js",
      ]) {
        const answer = await fetch(`${service.url}/api/console/${path}`);
        expect(await answer.text(), path).not.toMatch(/"(files|version|scripts)"/);
      }
    } finally {
      await service.stop();
      await rm(app, { recursive: true, force: true });
    }
  });
});

async function startApp(app: string): Promise<Service> {
  const host = JSON.parse(await readFile(join(repositoryRoot, "host.json"), "utf8"));
  host.extensions.http.routePrefix = "api";
  await writeFile(join(app, "host.json"), JSON.stringify(host));
  await cp(join(repositoryRoot, "package.json"), join(app, "package.json"));
  await cp(join(repositoryRoot, "dist"), join(app, "dist"), { recursive: true });
  await symlink(join(repositoryRoot, "node_modules"), join(app, "node_modules"));
  return await Service.start({ instances: 1, args: ["--app", app] });
}
