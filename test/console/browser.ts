/** A real browser for the console's tests: Debian's Chromium, or whatever CHROMIUM_PATH names. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

const candidates = [
  process.env.CHROMIUM_PATH,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Undefined on a machine without one: tests say so and skip. */
export const browserPath: string | undefined = candidates.find((path) => path !== undefined && existsSync(path));

export const noBrowser = "no Chromium on this machine: install it, or name it in CHROMIUM_PATH";

/** @throws Error without a browser */
export async function launchBrowser(): Promise<Browser> {
  if (browserPath === undefined) throw new Error(noBrowser);
  return await chromium.launch({
    executablePath: browserPath,
    // Chromium refuses its sandbox to root.
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"],
  });
}

export interface View {
  readonly width: number;
  readonly theme: "light" | "dark";
}

/** The widths and themes that every page is looked at in. */
export const views: readonly View[] = [
  { width: 1280, theme: "light" },
  { width: 1280, theme: "dark" },
  { width: 390, theme: "light" },
  { width: 390, theme: "dark" },
];

export async function openPage(
  browser: Browser,
  { width, theme }: View,
): Promise<{ page: Page; context: BrowserContext; errors: string[] }> {
  const context = await browser.newContext({
    viewport: { width, height: width < 600 ? 844 : 860 },
    colorScheme: theme,
    reducedMotion: "reduce",
    locale: "en-GB",
  });
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const errors: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || /Content.Security.Policy/i.test(message.text())) errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  return { page, context, errors };
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface AxeAnswer {
  violations: { id: string; help: string; nodes: { html: string; failureSummary: string }[] }[];
}

/**
 * What axe finds on the page as it is now, a line an element. Left out: the elements that Fluent's focus manager puts before and after what holds
 * the focus. They are hidden from screen readers and hand the focus on at once, which axe cannot know.
 */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  // Through the debugger: the page's own policy lets no foreign script in.
  await page.evaluate(axe);
  const { violations } = await page.evaluate<AxeAnswer>("axe.run({ exclude: [['[data-tabster-dummy]']] })");
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(
      ({ html, failureSummary }) =>
        `${id}: ${help}\n  ${html.slice(0, 240)}\n  ${failureSummary.replaceAll("\n", " ")}`,
    ),
  );
}
