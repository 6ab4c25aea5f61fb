/**
 * Builds the console into dist/console: vite's output, each text file compressed beside it, and manifest.json, which names every
 * file that may be served. Does nothing when its inputs are those of the last build. Fails when the first load is too large.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

/** What a browser may have to fetch before it shows something, bytes over gzip. */
const firstLoadLimit = 300 * 1000;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const output = join(root, "dist/console");
const stampFile = join(output, "inputs.sha256");

const contentTypes = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

const stamp = hashOfInputs();
if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) {
  process.exit(0);
}

const { build } = await import("vite");
rmSync(output, { recursive: true, force: true });
const result = await build({ root: join(root, "console"), logLevel: "warn" });
const chunks = Array.isArray(result) ? result.flatMap(({ output }) => output) : result.output;

const files = {};
for (const { fileName, ...rest } of chunks) {
  const type = contentTypes[extname(fileName)];
  if (type === undefined)
    throw new Error(`dist/console/${fileName}: its content type is not known to ${import.meta.url}`);
  const content = Buffer.from(rest.type === "chunk" ? rest.code : rest.source);
  // The page is completed for every request (nonce, address), so it cannot be compressed ahead.
  const compressible = fileName !== "index.html" && !fileName.endsWith(".woff2");
  if (compressible) {
    writeFileSync(
      join(output, `${fileName}.br`),
      brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
    );
    writeFileSync(join(output, `${fileName}.gz`), gzipSync(content, { level: 9 }));
  }
  files[fileName] = { type, compressed: compressible };
}
mkdirSync(output, { recursive: true });
writeFileSync(join(output, "manifest.json"), `${JSON.stringify({ files }, null, 2)}\n`);

const firstLoad = firstLoadOf(chunks);
const total = firstLoad.reduce((sum, { bytes }) => sum + bytes, 0);
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
console.log(
  `Console: first load ${kilobytes(total)} gzip (limit ${kilobytes(firstLoadLimit)}): ${firstLoad.map(({ name, bytes }) => `${name} ${kilobytes(bytes)}`).join(", ")}`,
);
if (total > firstLoadLimit) {
  console.error("The console's first load is above its limit: load what is not on the first page later (React.lazy).");
  process.exit(1);
}
writeFileSync(stampFile, stamp);

/** The page, the entry with everything that it imports statically, its styles, and the font of Latin text. */
function firstLoadOf(all) {
  const byName = new Map(all.map((chunk) => [chunk.fileName, chunk]));
  const needed = new Set(["index.html"]);
  const visit = (name) => {
    const chunk = byName.get(name);
    if (needed.has(name) || chunk === undefined) return;
    needed.add(name);
    for (const imported of chunk.imports ?? []) visit(imported);
  };
  for (const chunk of all) {
    if (chunk.type === "chunk" && chunk.isEntry) visit(chunk.fileName);
    if (chunk.fileName.endsWith(".css") || /inter-latin-wght-normal/.test(chunk.fileName)) needed.add(chunk.fileName);
  }
  return [...needed].map((name) => {
    const content = readFileSync(join(output, name));
    return {
      name: name.replace("assets/", ""),
      bytes: name.endsWith(".woff2") ? content.length : gzipSync(content).length,
    };
  });
}

function hashOfInputs() {
  const hash = createHash("sha256");
  const sources = readdirSync(join(root, "console"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
  for (const file of [...sources, join(root, "package-lock.json"), fileURLToPath(import.meta.url)]) {
    hash
      .update(`${file.slice(root.length)}\0`)
      .update(readFileSync(file))
      .update("\0");
  }
  return hash.digest("hex");
}
