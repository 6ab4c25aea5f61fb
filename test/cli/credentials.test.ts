import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Service } from "../../local/service.js";
import { pgmigrate } from "../fixtures/pgmigrate.js";

let service: Service;
let folder: string;
let key: string;

beforeAll(async () => {
  service = await Service.start({ instances: 1, args: ["--auth"] });
  folder = await mkdtemp(join(tmpdir(), "pgmigrate-"));
  key = JSON.parse(await readFile(join(service.storage, "keys.json"), "utf8")).default;
});
afterAll(async () => {
  await service?.stop();
  await rm(folder, { recursive: true, force: true });
});

const list = (...args: string[]) => ["list", "-s", "target", "--url", service.url, ...args];

test("a function key is taken from the environment or from a file; without it the shell is told 5", async () => {
  const none = await pgmigrate(list());
  expect(none.stderr).toMatch(/asks for another key or token \(HTTP 401\): set PGMIGRATE_KEY/);
  expect(none.code).toBe(5);
  expect(await pgmigrate(list(), { env: { PGMIGRATE_KEY: key } })).toEqual({ code: 0, stdout: "[]\n", stderr: "" });
  const file = join(folder, "key");
  await writeFile(file, `${key}\n`);
  expect((await pgmigrate(list("--key-file", file))).code).toBe(0);
});

test("a token is taken from the environment, from a file, or from az, and sent to the service alone", async () => {
  const seen: (string | undefined)[] = [];
  // It only writes down what it is sent: the local host has no sign-in.
  const listener = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(200, { "content-type": "application/json" }).end('{"value": []}');
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  const url = typeof address === "object" && address !== null ? `http://127.0.0.1:${address.port}` : "";
  try {
    const file = join(folder, "token.json");
    await writeFile(file, JSON.stringify({ accessToken: "from-file", tokenType: "Bearer" }));
    await writeFile(join(folder, "az"), '#!/bin/sh\n[ "$4" = api://app ] && echo \'{"accessToken": "from-az"}\'\n');
    await chmod(join(folder, "az"), 0o755);
    const run = (args: string[], env: Record<string, string>) =>
      pgmigrate(["list", "-s", "target", "--url", url, ...args], { env });
    const path = `${folder}:${process.env.PATH}`;
    expect((await run([], { PGMIGRATE_TOKEN: "from-environment" })).code).toBe(0);
    expect((await run(["--token-file", file], {})).code).toBe(0);
    expect((await run(["--token-resource", "api://app"], { PATH: path })).code).toBe(0);
    expect(seen).toEqual(["Bearer from-environment", "Bearer from-file", "Bearer from-az"]);
    const refused = await run(["--token-resource", "api://other"], { PATH: path });
    expect(refused.stderr).toContain("az account get-access-token --resource api://other gave no token");
    expect(refused.code).toBe(5);
  } finally {
    listener.close();
  }
});
