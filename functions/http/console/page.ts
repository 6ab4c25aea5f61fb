/** The console's files as built into dist/console: only those that its manifest names are ever read, whatever path is asked for. */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { HttpResponseInit } from "@azure/functions";
import { z } from "zod";

const folder = new URL("../../../console/", import.meta.url);

const Manifest = z.object({
  files: z.record(z.string(), z.object({ type: z.string(), compressed: z.boolean() })),
});
type Manifest = z.infer<typeof Manifest>;

const page = "index.html";
const year = 365 * 24 * 3_600;

export interface ConsoleRequest {
  /** What follows `console/` in the address, decoded. */
  readonly path: string;
  /** The header Accept-Encoding. */
  readonly acceptEncoding: string;
  /** Whether the platform's own sign-in stands before the app. */
  readonly platformSignIn: boolean;
}

/** A file of the console; the page itself for every path that is none, for the page knows its own addresses. */
export async function consoleFile(request: ConsoleRequest): Promise<HttpResponseInit> {
  const manifest = await readManifest();
  if (manifest === undefined) {
    return { status: 404, body: 'The console has not been built. Run "npm run build".' };
  }
  const file = Object.hasOwn(manifest.files, request.path) ? manifest.files[request.path] : undefined;
  if (file === undefined || request.path === page) {
    // A page that was loaded before an upgrade may ask for files that are gone: no page in a script's place.
    if (request.path.startsWith("assets/")) return { status: 404, headers: always };
    return await consolePage(request);
  }
  const encoding = file.compressed ? preferredEncoding(request.acceptEncoding) : undefined;
  const name = encoding === undefined ? request.path : `${request.path}.${encoding === "br" ? "br" : "gz"}`;
  return {
    headers: {
      ...always,
      "Content-Type": file.type,
      // Their names hold a hash of their content.
      "Cache-Control": `public, max-age=${year}, immutable`,
      Vary: "Accept-Encoding",
      ...(encoding && { "Content-Encoding": encoding }),
    },
    body: await readFile(new URL(name, folder)),
  };
}

const always = { "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin" };

/** The page with the address of its root, relative, so that it is right under any route prefix and behind any proxy. */
async function consolePage({ path, platformSignIn }: ConsoleRequest): Promise<HttpResponseInit> {
  const nonce = randomBytes(16).toString("base64");
  const root = "../".repeat(path.split("/").length - 1) || "./";
  const html = (await readFile(new URL(page, folder), "utf8"))
    .replaceAll('"./', `"${root}`)
    .replaceAll("%root%", root)
    .replaceAll("%platformSignIn%", String(platformSignIn))
    .replaceAll("<script ", `<script nonce="${nonce}" `);
  return {
    headers: {
      ...always,
      "Content-Type": "text/html; charset=utf-8",
      "Cache-Control": "no-cache",
      "Content-Security-Policy": contentSecurityPolicy(nonce),
      "Referrer-Policy": "no-referrer",
    },
    body: html,
  };
}

function contentSecurityPolicy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "connect-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function preferredEncoding(accepted: string): "br" | "gzip" | undefined {
  const names = accepted.split(",").map((part) => part.trim().split(";")[0]);
  if (names.includes("br")) return "br";
  return names.includes("gzip") ? "gzip" : undefined;
}

let manifest: Promise<Manifest | undefined> | undefined;

async function readManifest(): Promise<Manifest | undefined> {
  manifest ??= readFile(new URL("manifest.json", folder), "utf8").then(
    (text) => Manifest.parse(JSON.parse(text)),
    () => undefined,
  );
  return await manifest;
}
