/** Five thousand tables in one database: the list comes in pages, and scrolling it while it is refreshed keeps up with the screen. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seedMany } from "../../demo/seed/many.js";
import { offlineMigration } from "../../local/migration-client.js";
import { Stage } from "../fixtures/stage.js";
import { browserPath, launchBrowser, noBrowser, openPage } from "./browser.js";

if (browserPath === undefined) console.warn(`The console's tests are skipped: ${noBrowser}.`);

const tables = 5_000;

describe.skipIf(browserPath === undefined)("console, many tables", () => {
  let stage: Stage;
  let browser: Browser;

  beforeAll(async () => {
    stage = await Stage.open();
    browser = await launchBrowser();
    await seedMany(stage.source, { tables, rowsEach: 1 });
    await stage.client.start("many", offlineMigration(stage.source, stage.target, ["many"]));
  }, 180_000);

  afterAll(async () => {
    await browser?.close();
    await stage?.close();
  });

  it("lists them in pages, draws only those in sight, and tells the time of its frames", async () => {
    const { page, context, errors } = await openPage(browser, { width: 1280, theme: "light" });
    const pages: number[] = [];
    page.on("response", async (response) => {
      if (!response.url().includes("/tables?")) return;
      const { value } = await response.json().catch(() => ({ value: [] }));
      pages.push(value.length);
    });
    // While the copy goes on: what is refreshed every two seconds is refreshed under the scrolling.
    await stage.client.waitFor(
      "many",
      ({ properties }) =>
        (properties.currentStatus.currentSubStateDetails?.dbDetails?.many?.fullLoadCompletedTables ?? 0) > 0,
      { limitSeconds: 180 },
    );
    await page.goto(
      `${stage.service.url}/console/servers/00000000-0000-0000-0000-000000000000/demo/target/migrations/many/tables`,
    );
    await page.getByText("5,000 of 5,000 tables").waitFor({ timeout: 60_000 });
    expect(Math.max(...pages)).toBeLessThanOrEqual(1_000);
    const frames = await page.evaluate<number[]>(`new Promise((resolve) => {
      const list = document.querySelector('[data-testid="tables"]');
      const times = [];
      let last;
      const step = (now) => {
        if (last !== undefined) times.push(now - last);
        last = now;
        list.scrollTop += 300;
        if (list.scrollTop + list.clientHeight >= list.scrollHeight - 1 || times.length > 900) resolve(times);
        else requestAnimationFrame(step);
      };
      requestAnimationFrame(step);
    })`);
    expect(await page.locator('[data-testid="tables"] [role=row]').count()).toBeLessThan(60);
    await page
      .getByRole("row")
      .last()
      .getByText(/small_/)
      .waitFor();
    const sorted = [...frames].sort((one, other) => one - other);
    const at = (share: number) => (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1);
    console.log(`${frames.length} frames: median ${at(0.5)} ms, 95 % ${at(0.95)} ms, longest ${at(1)} ms`);
    expect(errors).toEqual([]);
    await context.close();
  }, 240_000);
});
