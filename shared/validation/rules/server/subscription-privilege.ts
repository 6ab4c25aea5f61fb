/** Whether the target user may subscribe the target's databases to the source's. */
import { missingSubscriptionPrivilege } from "../../../postgres/replication-readiness.js";
import type { ServerRule } from "../../rule.js";

export const rule: ServerRule = {
  id: "subscription-privilege",
  title: "Target user may create subscriptions",
  scope: "server",
  modes: ["Online"],
  remedy: "`GRANT pg_create_subscription TO …` on the target; before version 16 that takes a superuser.",
  check: async ({ target }) => {
    const message = await missingSubscriptionPrivilege(target);
    return message === undefined ? [] : [{ state: "Failed", message }];
  },
};
