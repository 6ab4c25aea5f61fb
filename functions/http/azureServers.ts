import { parseServerPath } from "../../shared/model/migration-path.js";
import {
  describeCapabilities,
  describeProvider,
  describeServer,
  listServers,
} from "../../shared/requests/azure-resources.js";
import { resourceManagerOperation } from "./arm/resource-manager.js";
import { serverRoute } from "./arm/route.js";

const subscription = "subscriptions/{subscriptionId}";
const provider = "providers/Microsoft.DBforPostgreSQL";

resourceManagerOperation(
  "getServer",
  serverRoute,
  "A target server as its newest migration has it, or as its name tells.",
  async ({ request }) => ({ jsonBody: await describeServer(parseServerPath(request.params)) }),
);

resourceManagerOperation(
  "listServersOfGroup",
  `${subscription}/resourceGroups/{resourceGroupName}/${provider}/flexibleServers`,
  "The target servers of a resource group that migrations are known of.",
  async ({ request }) => {
    const { subscriptionId = "", resourceGroupName } = request.params;
    return { jsonBody: { value: await listServers(subscriptionId, resourceGroupName) } };
  },
);

resourceManagerOperation(
  "listServersOfSubscription",
  `${subscription}/${provider}/flexibleServers`,
  "The target servers of a subscription, likewise.",
  async ({ request }) => ({ jsonBody: { value: await listServers(request.params.subscriptionId ?? "") } }),
);

resourceManagerOperation(
  "getProvider",
  `${subscription}/${provider}`,
  "The provider, registered.",
  async ({ request }) => ({ jsonBody: describeProvider(request.params.subscriptionId ?? "") }),
);

resourceManagerOperation(
  "listProviders",
  `${subscription}/providers`,
  "The one provider that there is.",
  async ({ request }) => ({ jsonBody: { value: [describeProvider(request.params.subscriptionId ?? "")] } }),
);

resourceManagerOperation(
  "listLocationCapabilities",
  `${subscription}/${provider}/locations/{location}/capabilities`,
  "The versions that a target may have.",
  async () => ({ jsonBody: { value: describeCapabilities() } }),
);

resourceManagerOperation(
  "listServerCapabilities",
  `${serverRoute}/capabilities`,
  "The same for one server.",
  async () => ({ jsonBody: { value: describeCapabilities() } }),
);
