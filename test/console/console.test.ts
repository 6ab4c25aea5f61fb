/**
 * The console in a real browser, with a real service and real servers: what a person does in a night, from the wizard to the report. Every page and
 * pane is looked at by axe, in each width and theme; the browser's own console must stay silent, for the Content-Security-Policy speaks there.
 * Screenshots go to CONSOLE_SCREENSHOTS, or test/console/screenshots.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repositoryRoot } from "../../local/repository-root.js";
import { openOnlineStage } from "../fixtures/online-stage.js";
import type { Stage } from "../fixtures/stage.js";
import { accessibilityProblems, browserPath, launchBrowser, noBrowser, openPage, type View, views } from "./browser.js";

if (browserPath === undefined) console.warn(`The console's tests are skipped: ${noBrowser}.`);

/** With CONSOLE_SCREENSHOTS only the pictures of docs/console.md are kept. */
const documented =
  process.env.CONSOLE_SCREENSHOTS === undefined
    ? undefined
    : new Set([
        ...["grid", "wizard-setup", "wizard-source", "wizard-target", "wizard-databases", "wizard-summary"],
        ...["migration-copying", "validation-failed", "cutover", "migration-ended"],
      ]);
const screenshots = process.env.CONSOLE_SCREENSHOTS ?? join(repositoryRoot, "test/console/screenshots");
const wide: View = { width: 1280, theme: "light" };

/** A source with what a validation warns of, and a database whose tables change while it is moved. */
const seed = `
  create table orders (id bigint generated always as identity primary key, customer text not null, total numeric(10, 2));
  insert into orders (customer, total) select 'customer ' || n, n from generate_series(1, 40000) as n;
  create table customers (name text primary key, since date);
  insert into customers select 'customer ' || n, date '2020-01-01' + n % 1000 from generate_series(1, 8000) as n;
  create table order_lines (order_id bigint, line int, article text, primary key (order_id, line));
  insert into order_lines select n, 1, repeat('x', 200) from generate_series(1, 60000) as n;
`;

describe.skipIf(browserPath === undefined)("console", () => {
  let stage: Stage;
  let browser: Browser;

  beforeAll(async () => {
    mkdirSync(screenshots, { recursive: true });
    stage = await openOnlineStage();
    browser = await launchBrowser();
    for (const database of ["shop", "billing"]) {
      await stage.source.query(`create database ${database}`);
      await stage.source.query(seed, { database });
    }
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await stage?.close();
  });

  const serverHref = () => `${stage.service.url}/console/servers/00000000-0000-0000-0000-000000000000/demo/target`;

  /** What is to be seen now: silent, accessible, nothing wider than the window; and kept as a picture. */
  async function look(page: Page, errors: readonly string[], name: string, { width, theme }: View): Promise<void> {
    // Not waitForFunction: it evaluates text in the page, which the page's policy forbids.
    const still =
      "document.fonts.status === 'loaded' && document.getAnimations().every((one) => one.playState !== 'running')";
    await expect.poll(() => page.evaluate(still), { timeout: 15_000 }).toBe(true);
    const plain = width === 1280 && theme === "light";
    if (documented === undefined || (plain && documented.has(name))) {
      await page.screenshot({ path: join(screenshots, plain ? `${name}.png` : `${name}-${theme}-${width}.png`) });
    }
    expect(await accessibilityProblems(page), name).toEqual([]);
    expect(
      await page.evaluate("document.documentElement.scrollWidth - innerWidth"),
      `${name} is wider than the window`,
    ).toBeLessThanOrEqual(0);
    expect(errors, name).toEqual([]);
  }

  async function connect(page: Page, side: "source" | "target", password?: string): Promise<void> {
    const server = stage[side];
    await page.getByLabel("Host").fill(server.host);
    await page.getByLabel("Port").fill(String(server.port));
    await page.getByLabel("User").fill(server.user);
    await page.getByLabel("Password").fill(password ?? server.password);
    await page.getByRole("button", { name: `Connect to ${side}`, exact: true }).click();
  }

  const next = (page: Page) => page.getByRole("button", { name: /^Next/ }).click();

  it("moves a database online, from the wizard to the report, while somebody writes", async () => {
    const { page, context, errors } = await openPage(browser, wide);
    await page.goto(`${serverHref()}/new`);
    await page.getByLabel("Name of the migration").fill("orders-1");
    await page.getByRole("radio", { name: /^Online/ }).check();
    await page.getByText("The name is free.").waitFor();
    await look(page, errors, "wizard-setup", wide);
    await next(page);
    await connect(page, "source");
    await page.getByText(/wal_level logical/).waitFor();
    await look(page, errors, "wizard-source", wide);
    await next(page);
    await connect(page, "target", "not the password");
    await page
      .getByText(/password/i)
      .last()
      .waitFor();
    await connect(page, "target");
    await page.getByText(/PostgreSQL 17/).waitFor();
    await look(page, errors, "wizard-target", wide);
    await next(page);
    await page.getByRole("checkbox", { name: "shop" }).check();
    await page.getByText("public.order_lines").first().waitFor();
    await look(page, errors, "wizard-databases", wide);
    await next(page);
    await page.getByText("copies at once").waitFor();
    await look(page, errors, "wizard-summary", wide);
    expect(
      await page.evaluate("JSON.stringify(sessionStorage) + JSON.stringify(localStorage) + location.href"),
    ).not.toContain(stage.source.password);

    const writer = await stage.source.connect("shop");
    let writing = true;
    const written = (async () => {
      let rows = 0;
      while (writing) {
        await writer.query("insert into orders (customer, total) values ('while it moves', 1)");
        rows += 1;
      }
      return rows;
    })();
    try {
      await page.getByRole("button", { name: "Start the migration" }).click();
      await page.getByRole("heading", { name: "orders-1" }).waitFor();
      await page.getByRole("tab", { name: "Databases" }).click();
      await page.getByText("MB copied").waitFor();
      await look(page, errors, "migration-copying", wide);
      await page.getByRole("button", { name: "Cut over…" }).waitFor({ timeout: 90_000 });
    } finally {
      writing = false;
    }
    expect(await written).toBeGreaterThan(0);
    await writer.end();

    await page.getByRole("button", { name: "Cut over…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("No open transaction has written on the source.").waitFor();
    await dialog.getByText(/, 0 B of changes pending/).waitFor();
    await look(page, errors, "cutover", wide);
    await dialog.getByRole("button", { name: "Cut over", exact: true }).click();
    await page.getByText("The application may go on.").waitFor({ timeout: 90_000 });
    await look(page, errors, "migration-ended", wide);
    expect(await stage.differences("shop")).toEqual([]);

    await page.getByRole("button", { name: "Report" }).click();
    await page.getByText("Checked and accepted").waitFor();
    // What both servers have computed of each table's rows.
    const orders = page.getByRole("row", { name: /public\.customers 8,000 Checksums \S{8,}/ });
    await orders.waitFor({ timeout: 15_000 });
    await look(page, errors, "report", wide);
    await context.close();
  }, 240_000);

  it("shows what validation has found, repairs it with the copied statement, and migrates from there", async () => {
    await stage.source.query(`create role reader login password 'reader'`);
    await stage.source.query("grant connect on database billing to reader");
    const { page, context, errors } = await openPage(browser, wide);
    await page.goto(`${serverHref()}/new`);
    await page.getByLabel("Name of the migration").fill("check-1");
    await page.getByRole("radio", { name: /^Validate Check/ }).check();
    await next(page);
    await connect(page, "source");
    await page.getByLabel("User").fill("reader");
    await page.getByLabel("Password").fill("reader");
    await next(page);
    await connect(page, "target");
    await next(page);
    await page.getByRole("checkbox", { name: "billing" }).check();
    await next(page);
    await page.getByRole("button", { name: "Start the validation" }).click();
    await page.getByText("Validation has found what has to be mended first").waitFor({ timeout: 60_000 });
    await look(page, errors, "validation-failed", wide);
    await page.getByRole("button", { name: "Source user may read everything that is copied" }).click();
    await page.getByRole("button", { name: "Copy" }).first().waitFor();
    await look(page, errors, "validation-pane", wide);
    const statements = await page.getByRole("dialog").locator("pre code").allTextContents();
    expect(statements.length).toBeGreaterThan(0);
    await page.keyboard.press("Escape");
    await expect
      .poll(() => page.evaluate("document.activeElement.textContent"))
      .toBe("Source user may read everything that is copied");
    for (const sql of statements) await stage.source.query(sql, { database: "billing" });

    await page.getByRole("button", { name: "Validate again" }).click();
    await page.getByRole("tab", { name: /Source/ }).click();
    await page.getByLabel("Password").fill("reader");
    await page.getByRole("tab", { name: /Target/ }).click();
    await page.getByLabel("User").fill(stage.target.user);
    await page.getByLabel("Password").fill(stage.target.password);
    await page.getByRole("tab", { name: /Summary/ }).click();
    await page.getByRole("button", { name: "Start the validation" }).click();
    await page.getByRole("heading", { name: "check-2" }).waitFor();
    await page.getByRole("button", { name: "Migrate now" }).waitFor({ timeout: 60_000 });
    await context.close();
  }, 180_000);

  it("cancels a migration that waits, and starts one that was held", async () => {
    const { page, context, errors } = await openPage(browser, wide);
    const { start } = stage.client;
    const { offlineMigration } = await import("../../local/migration-client.js");
    const body = offlineMigration(stage.source, stage.target, ["billing"], { startDataMigration: "False" });
    await start.call(stage.client, "held-1", body);
    await page.goto(`${serverHref()}/migrations/held-1`);
    await page.getByRole("button", { name: "Cancel…" }).click();
    await look(page, errors, "cancel", wide);
    await page.getByRole("button", { name: "Cancel the migration" }).click();
    await page.getByText("Canceled").first().waitFor({ timeout: 60_000 });

    await start.call(stage.client, "held-2", body);
    await page.goto(`${serverHref()}/migrations/held-2`);
    await page.getByRole("button", { name: "Start now" }).click();
    await page.getByText("Succeeded").first().waitFor({ timeout: 90_000 });
    expect(await stage.differences("billing")).toEqual([]);
    await context.close();
  }, 180_000);

  it("asks before it replaces a database, and lists, saves and applies what the target did not take", async () => {
    const { page, context, errors } = await openPage(browser, wide);
    await stage.source.query("create database left_over");
    await stage.source.query(
      `create function ten() returns integer language sql as 'select 10';
       create materialized view summary as select ten() as value;
       create or replace function ten() returns integer language sql as 'select 10 / 0'`,
      { database: "left_over" },
    );
    await stage.target.query("create database left_over");
    const { offlineMigration } = await import("../../local/migration-client.js");
    const body = offlineMigration(stage.source, stage.target, ["left_over"], { overwriteDbsInTarget: "False" });
    await stage.client.start("left-1", body);
    await page.goto(`${serverHref()}/migrations/left-1`);
    await page.getByRole("button", { name: "Replace the databases on the target" }).click();
    await page.getByRole("tab", { name: "Statements" }).click();
    await page.getByText("materialized view public.summary", { exact: true }).waitFor({ timeout: 60_000 });
    await page.getByText("Left out").waitFor();
    await page
      .getByText(/division by zero/)
      .first()
      .waitFor();
    await look(page, errors, "statements", wide);

    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save as a script for psql" }).click();
    expect((await saved).suggestedFilename()).toBe("left-1-statements.sql");

    await stage.target.query("create or replace function ten() returns integer language sql as 'select 10'", {
      database: "left_over",
    });
    await page.getByLabel("Password on the target").fill(stage.target.password);
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByText("Applied later").waitFor({ timeout: 60_000 });
    expect(await stage.target.query("select value from summary", { database: "left_over" })).toEqual([{ value: 10 }]);
    await context.close();
  }, 180_000);

  it("cuts one database of two over, and cancels the other", async () => {
    const { page, context, errors } = await openPage(browser, wide);
    for (const database of ["first_half", "second_half"]) {
      await stage.source.query(`create database ${database}`);
      await stage.source.query("create table t as select g as id from generate_series(1, 100) as g", { database });
      await stage.source.query("alter table t add primary key (id)", { database });
    }
    const { offlineMigration } = await import("../../local/migration-client.js");
    const databases = ["first_half", "second_half"];
    const body = offlineMigration(stage.source, stage.target, databases, { migrationMode: "Online" });
    await stage.client.start("halves", body);
    await page.goto(`${serverHref()}/migrations/halves`);
    await page.getByRole("button", { name: "Cut over…" }).click({ timeout: 90_000 });
    const cutover = page.getByRole("dialog");
    await cutover.getByRole("checkbox", { name: "second_half" }).uncheck();
    await cutover.getByText(/, 0 B of changes pending/).waitFor();
    await look(page, errors, "cutover-one", wide);
    await cutover.getByRole("button", { name: "Cut over", exact: true }).click();
    const stateOf = async (database: string) =>
      (await stage.client.get("halves")).properties.currentStatus.currentSubStateDetails?.dbDetails?.[database]
        ?.migrationState;
    await expect.poll(() => stateOf("first_half"), { timeout: 90_000 }).toBe("Succeeded");
    expect(await stateOf("second_half")).toBe("WaitingForCutoverTrigger");

    await page.getByRole("button", { name: "Cancel…" }).click();
    await page.getByRole("button", { name: /^Cancel the migration|^Cancel these databases/ }).click();
    await expect.poll(() => stateOf("second_half"), { timeout: 90_000 }).toBe("Canceled");
    expect(await stage.differences("first_half")).toEqual([]);
    await context.close();
  }, 240_000);

  it.each(views)(
    "is silent and accessible on every page, $width wide, $theme",
    async (view) => {
      const { page, context, errors } = await openPage(browser, view);
      await page.goto(`${stage.service.url}/`);
      await page.getByRole("link", { name: "target" }).waitFor();
      await look(page, errors, "home", view);
      await page.goto(serverHref());
      await page.getByRole("link", { name: "held-2" }).waitFor();
      await look(page, errors, "grid", view);
      await page.goto(`${serverHref()}/new`);
      await page.getByLabel("Name of the migration").waitFor();
      await look(page, errors, "wizard", view);
      await page.goto(`${serverHref()}/migrations/orders-1/databases`);
      await page.getByRole("button", { name: "Details of database shop" }).click();
      await page.getByText("All tables of this database").waitFor();
      await look(page, errors, "database-pane", view);
      await page.getByRole("button", { name: "All tables of this database" }).click();
      await page.getByRole("button", { name: "public.orders", exact: true }).waitFor();
      await look(page, errors, "tables", view);
      await page.getByRole("button", { name: "public.orders", exact: true }).click();
      await page.getByRole("columnheader", { name: "Instance" }).waitFor();
      await look(page, errors, "table-pane", view);
      await page.keyboard.press("Escape");
      for (const tab of ["validation", "events"]) {
        await page.goto(`${serverHref()}/migrations/orders-1/${tab}`);
        await page.getByRole("table").first().waitFor();
        await look(page, errors, tab, view);
      }
      await page.goto(`${serverHref()}/migrations/orders-1/report`);
      await page.getByText("Checked and accepted").waitFor();
      await look(page, errors, "report", view);
      await context.close();
    },
    120_000,
  );
});
