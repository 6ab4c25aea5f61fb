import { describeSubscription, listSubscriptions } from "../../shared/requests/azure-resources.js";
import { resourceManagerOperation } from "./arm/resource-manager.js";

resourceManagerOperation(
  "listSubscriptions",
  "subscriptions",
  "The subscriptions that migrations are known of, and the app's own.",
  async () => ({ jsonBody: { value: await listSubscriptions(process.env.WEBSITE_OWNER_NAME) } }),
);

resourceManagerOperation(
  "getSubscription",
  "subscriptions/{subscriptionId}",
  "A subscription, whichever is asked for.",
  async ({ request }) => ({ jsonBody: describeSubscription(request.params.subscriptionId ?? "") }),
);

resourceManagerOperation(
  "listLocations",
  "subscriptions/{subscriptionId}/locations",
  "No locations: a target may be anywhere.",
  async () => ({ jsonBody: { value: [] } }),
);
