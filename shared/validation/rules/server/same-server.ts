/** Whether the two addresses lead to two servers: a target database is replaced, and must not be the source's own. */
import { readRelation, refusalOf } from "../../../postgres/same-server.js";
import type { ServerRule } from "../../rule.js";

export const rule: ServerRule = {
  id: "same-server",
  title: "Source and target are two servers",
  scope: "server",
  modes: ["Offline", "Online"],
  remedy: "Name another server as the target: this one is the source, by another address, or its standby.",
  check: async ({ spec, source, target }) => {
    const refusal = refusalOf(await readRelation(source, target), spec);
    return refusal === undefined ? [] : [{ state: "Failed", message: refusal }];
  },
};
