import { expect, test } from "vitest";
import { type Relation, relationOf, type ServerSight } from "../../shared/postgres/same-server.js";

const primary: ServerSight = { seesItself: true, seesOther: false, standby: false, systemIdentifier: "1" };

test.each<[string, Partial<ServerSight>, Partial<ServerSight>, Relation]>([
  ["two clusters", {}, { systemIdentifier: "2" }, "different"],
  ["a clone that takes writes", {}, {}, "different"],
  ["clusters that do not tell their identifiers", { systemIdentifier: undefined }, {}, "different"],
  ["a lock seen from the other side", {}, { seesOther: true }, "same"],
  ["a lock seen from the other side, whatever the identifiers", { seesOther: true, systemIdentifier: "2" }, {}, "same"],
  ["a lock that its own server does not show", { seesItself: false }, {}, "undecidable"],
  ["a standby of the target as the source", { standby: true }, {}, "standby"],
  ["a standby of the source as the target", {}, { standby: true }, "standby"],
  ["a standby of a third server", { standby: true, systemIdentifier: "2" }, {}, "different"],
  ["a standby whose identifier may not be read", { standby: true, systemIdentifier: undefined }, {}, "undecidable"],
])("%s", (_what, source, target, relation) => {
  expect(relationOf({ ...primary, ...source }, { ...primary, ...target })).toBe(relation);
});
