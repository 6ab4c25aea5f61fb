import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { HostProcess } from "./host-process.js";

describe("an HTTP function", () => {
  let host: HostProcess;

  beforeAll(async () => {
    host = await HostProcess.start();
  });
  afterAll(async () => {
    await host?.stop();
  });

  test("gets method, URL, route values, query, headers and text as they were sent", async () => {
    const response = await host.fetch("mirror/7/r%C3%A9st?q=a%20b&q=c", {
      method: "PUT",
      headers: { "x-test": "yes", "content-type": "text/plain" },
      body: "héllo",
    });
    expect(response.status).toBe(201);
    expect(response.headers.get("content-type")).toBe("text/plain");
    expect(await response.json()).toEqual({
      method: "PUT",
      url: `${host.origin}/mirror/7/r%C3%A9st?q=a%20b&q=c`,
      params: { id: "7", rest: "rést" },
      query: { q: "a b,c" },
      header: "yes",
      text: "héllo",
    });
  });

  test.each([
    ["a page of another site", { origin: "https://evil.example" }],
    ["a page without an origin", { origin: "null" }],
    ["a page on another port", { origin: "http://127.0.0.1:1" }],
    ["a name that has come to lead here", { host: "evil.example" }],
    ["a form of another site", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }],
  ])("is not run for %s, nor is Durable's own endpoint", async (_, headers) => {
    for (const target of ["/mirror/1", "/runtime/webhooks/durabletask/instances"]) {
      expect(await statusOf(host.origin, target, headers)).toBe(403);
    }
  });

  test("is run for its own pages", async () => {
    const own = { origin: host.origin, "sec-fetch-site": "same-origin" };
    expect(await statusOf(host.origin, "/mirror/1", own)).toBe(201);
  });

  test("gets and gives bytes unchanged", async () => {
    const body = randomBytes(300_000);
    const response = await host.fetch("mirror/1?as=bytes", {
      method: "POST",
      headers: { "content-type": "application/octet-stream" },
      body,
    });
    expect(Buffer.from(await response.arrayBuffer()).equals(body)).toBe(true);
  });

  test("can set several cookies with their attributes", async () => {
    const response = await host.fetch("mirror/1");
    expect(response.headers.getSetCookie()).toEqual([
      "a=1; path=/; httponly",
      "b=2%203; max-age=60; path=/; samesite=strict",
    ]);
  });

  test("answers HEAD without a body and OPTIONS like any method", async () => {
    const head = await host.fetch("mirror/1", { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([201, ""]);
    expect((await host.fetch("mirror/1", { method: "OPTIONS" })).status).toBe(201);
  });

  test("that returns nothing is 204, that throws is 500 without a word of the error", async () => {
    expect((await host.fetch("nothing")).status).toBe(204);
    const thrown = await host.fetch("throws");
    expect([thrown.status, await thrown.text()]).toEqual([500, ""]);
    expect(host.log).toContain("thrown on purpose");
  });

  test("is found by path and method only; a failed constraint is 404", async () => {
    expect((await host.fetch("mirror/x")).status).toBe(404);
    expect((await host.fetch("mirror/1", { method: "DELETE" })).status).toBe(404);
    expect((await host.fetch("nowhere")).status).toBe(404);
    expect((await host.fetch("PUBLIC")).status).toBe(200);
  });

  test("passes through the app's hooks", async () => {
    expect((await host.fetch("public")).headers.get("x-hook")).toBe("seen");
  });

  test("a body over the host's 100 MB is 413, whatever the app would say", async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const call = request(`${host.origin}/mirror/1`, { method: "POST" }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      call.on("error", reject);
      const chunk = Buffer.alloc(1024 * 1024);
      for (let megabyte = 0; megabyte < 101; megabyte++) {
        call.write(chunk);
      }
      call.end();
    });
    expect(status).toBe(413);
  });

  test("idle connections are kept as long as Kestrel keeps them, the app's and those of Durable's client", async () => {
    const { rpcBaseUrl } = (await (await host.fetch("client-binding")).json()) as { rpcBaseUrl: string };
    for (const response of [await host.fetch("public"), await fetch(`${rpcBaseUrl}instances`)]) {
      await response.arrayBuffer();
      expect(response.headers.get("keep-alive")).toBe("timeout=130");
    }
  });

  test("requests go to the instances in turn, and logs name instance and function", async () => {
    const instances = new Set<string>();
    for (let call = 0; call < 6; call++) {
      const { instance } = (await (await host.fetch("where")).json()) as { instance: string };
      instances.add(instance);
    }
    expect([...instances].sort()).toEqual([
      expect.stringMatching(/^instance-1-[0-9a-f]{4}$/),
      expect.stringMatching(/^instance-2-[0-9a-f]{4}$/),
    ]);
    await host.fetch("mirror/42");
    expect(host.log).toMatch(/info \[instance-\d-\w+\] Function\.mirror\.User: mirror 42/);
  });
});

describe("with --auth", () => {
  let host: HostProcess;
  let keys: { master: string; default: string; durabletask: string };

  beforeAll(async () => {
    host = await HostProcess.start({ args: ["--auth"] });
    keys = JSON.parse(readFileSync(path.join(host.directory, "storage", "keys.json"), "utf8"));
  });
  afterAll(async () => {
    await host?.stop();
  });

  const status = async (route: string, key?: string) =>
    (await host.fetch(route, key === undefined ? {} : { headers: { "x-functions-key": key } })).status;

  test("a function asks for a key, in the query or the header; an anonymous one does not", async () => {
    expect(await status("mirror/1")).toBe(401);
    expect(await status("mirror/1", "wrong")).toBe(401);
    expect(await status("mirror/1", keys.default)).toBe(201);
    expect((await host.fetch(`mirror/1?code=${keys.master}`)).status).toBe(201);
    expect(await status("public")).toBe(200);
  });

  test("an admin function asks for the master key", async () => {
    expect(await status("secret", keys.default)).toBe(401);
    expect(await status("secret", keys.master)).toBe(200);
  });

  test("Durable's API asks for its own key, which its links carry", async () => {
    expect((await host.durable("instances")).status).toBe(401);
    const started = await host.fetch("start/sequence/with-key", { method: "POST", body: "[1]" });
    const { statusQueryGetUri } = (await started.json()) as { statusQueryGetUri: string };
    expect(statusQueryGetUri).toContain(`code=${keys.durabletask}`);
    expect((await fetch(statusQueryGetUri)).status).toBeLessThan(203);
  });
});

/** fetch() sets Host, Origin and Sec-Fetch-… itself. */
async function statusOf(origin: string, path: string, headers: Record<string, string>): Promise<number> {
  return await new Promise((resolve, reject) => {
    const sent = request(new URL(path, origin), { method: "PUT", headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    sent.on("error", reject);
    sent.end();
  });
}
