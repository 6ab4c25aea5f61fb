import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareTemplates, matchRoute, parseRouteTemplate } from "../src/http/route-template.js";
import { Router } from "../src/http/router.js";

const match = (template: string, path: string) => matchRoute(parseRouteTemplate(template), path);

const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
/** Any text that a path segment can carry once percent-encoded. */
const value = fc.string({ minLength: 1, unit: "grapheme" }).filter((text) => text !== "." && text !== "..");

describe("a route template", () => {
  test("compares literals without case and gives the parameters decoded", () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), value, (literals, given) => {
        const path = `/${literals.join("/").toUpperCase()}/${encodeURIComponent(given)}`;
        expect(match(`${literals.join("/")}/{given}`, path)).toEqual({ given });
      }),
    );
  });

  test("matches a path of another length only through optional and catch-all parameters", () => {
    expect(match("a/{b}", "/a")).toBeUndefined();
    expect(match("a/{b}", "/a/b/c")).toBeUndefined();
    expect(match("a/{b?}", "/a")).toEqual({});
    expect(match("a/{b=x}", "/a")).toEqual({ b: "x" });
    expect(match("a/{*rest}", "/a")).toEqual({});
    expect(match("a/{*rest}", "/a/b/c%20d")).toEqual({ rest: "b/c d" });
    expect(match("a/{**rest}", "/a/b/c")).toEqual({ rest: "b/c" });
  });

  test("a catch-all takes the rest of any path", () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), (parts) => {
        expect(match("{*rest}", `/${parts.map(encodeURIComponent).join("/")}`)).toEqual({ rest: parts.join("/") });
      }),
    );
  });

  test("int takes whole numbers of 32 bits and nothing else", () => {
    fc.assert(
      fc.property(fc.integer(), (number) => {
        expect(match("{id:int}", `/${number}`)).toEqual({ id: String(number) });
      }),
    );
    for (const other of ["1.5", "x", "1x", "2147483648", "%201"]) {
      expect(match("{id:int}", `/${other}`)).toBeUndefined();
    }
  });

  test("guid takes every form of one", () => {
    fc.assert(
      fc.property(fc.uuid(), fc.boolean(), (uuid, dashes) => {
        const id = dashes ? uuid : uuid.replaceAll("-", "");
        expect(match("{id:guid}", `/${id}`)).toEqual({ id });
        expect(match("{id:guid}", `/${id}0`)).toBeUndefined();
      }),
    );
  });

  test.each([
    ["{a:alpha}", "abcXYZ", "abc1"],
    ["{a:minlength(3)}", "abc", "ab"],
    ["{a:maxlength(3)}", "abc", "abcd"],
    ["{a:length(2)}", "ab", "abc"],
    ["{a:length(2,3)}", "abc", "a"],
    ["{a:min(5)}", "5", "4"],
    ["{a:max(5)}", "5", "6"],
    ["{a:range(5,7)}", "7", "8"],
    ["{a:bool}", "TRUE", "yes"],
    ["{a:regex(^a(b|c)$)}", "ac", "ad"],
    ["{a:int:min(1)}", "1", "0"],
    ["{a:datetime}", "2026-01-02", "soon"],
  ])("%s takes %s, not %s", (template, good, bad) => {
    expect(match(template, `/${good}`)).toEqual({ a: good });
    expect(match(template, `/${bad}`)).toBeUndefined();
  });

  test("a segment may mix literals and parameters", () => {
    expect(match("files/{name}.{ext}", "/files/a.b.txt")).toEqual({ name: "a", ext: "b.txt" });
    expect(match("v{version:int}", "/v2")).toEqual({ version: "2" });
    expect(match("v{version:int}", "/vx")).toBeUndefined();
  });

  test.each(["a/{b", "a/{*b}/c", "{a}/{A}", "{a:odd}", "a//b", "{}"])("%s is refused", (template) => {
    expect(() => parseRouteTemplate(template)).toThrow(template);
  });

  test("the more specific template comes first: literal, constrained, parameter, catch-all", () => {
    const templates = ["{*rest}", "{id}", "{id:int}", "x{id}", "list"].map(parseRouteTemplate);
    expect(templates.sort(compareTemplates).map(({ text }) => text)).toEqual([
      "list",
      "x{id}",
      "{id:int}",
      "{id}",
      "{*rest}",
    ]);
  });
});

test("the router finds the most specific trigger with the method, under the prefix", () => {
  const trigger = (name: string, route: string, methods: string[]) => ({
    name,
    bindings: { req: { type: "httpTrigger", direction: "in" as const, route, methods } },
  });
  const router = new Router(
    [
      trigger("any", "things/{id}", ["GET", "PUT"]),
      trigger("mine", "things/mine", ["GET"]),
      trigger("all", "{*p}", ["GET"]),
    ],
    "api",
  );
  const found = (method: string, path: string) => router.match(method, path)?.route.functionName;
  expect(found("GET", "/api/things/mine")).toBe("mine");
  expect(found("PUT", "/api/things/mine")).toBe("any");
  expect(found("GET", "/api/other/things")).toBe("all");
  expect(found("GET", "/things/mine")).toBeUndefined();
  expect(found("DELETE", "/api/things/mine")).toBeUndefined();
});
