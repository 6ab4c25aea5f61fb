import { describeResourceGroup, listResourceGroups } from "../../shared/requests/azure-resources.js";
import { resourceManagerOperation } from "./arm/resource-manager.js";

const groups = "subscriptions/{subscriptionId}/resourceGroups";
const group = `${groups}/{resourceGroupName}`;

resourceManagerOperation(
  "listResourceGroups",
  groups,
  "The resource groups that migrations are known of.",
  async ({ request }) => ({ jsonBody: { value: await listResourceGroups(request.params.subscriptionId ?? "") } }),
);

resourceManagerOperation(
  "getResourceGroup",
  group,
  "A resource group, whichever is asked for: a target may be in any.",
  async ({ request }) => {
    const { subscriptionId = "", resourceGroupName = "" } = request.params;
    return { jsonBody: describeResourceGroup(subscriptionId, resourceGroupName) };
  },
);

resourceManagerOperation(
  "checkResourceGroup",
  group,
  "That there is such a group.",
  async () => ({ status: 204 }),
  "HEAD",
);
