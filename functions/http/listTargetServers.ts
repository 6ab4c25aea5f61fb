import { listTargetServers } from "../../shared/requests/list-target-servers.js";
import { httpOperation } from "./arm/operation.js";

httpOperation(
  {
    name: "listTargetServers",
    method: "GET",
    route: "targetServers",
    part: "addition",
    summary:
      "Lists the target servers that have migrations, of every subscription and resource group, with how many there are and how many wait.",
    answers: { 200: { when: "always" } },
  },
  async () => {
    return { jsonBody: { value: await listTargetServers() } };
  },
);
