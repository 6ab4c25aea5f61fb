import { app } from "@azure/functions";
import { listTargetServers } from "../../shared/requests/list-target-servers.js";
import { answer } from "./arm/answer.js";

app.http("listTargetServers", {
  methods: ["GET"],
  authLevel: "function",
  route: "targetServers",
  handler: (request, context) =>
    answer(request, context, async () => {
      return { jsonBody: { value: await listTargetServers() } };
    }),
});
