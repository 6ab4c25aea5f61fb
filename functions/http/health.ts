import { app } from "@azure/functions";
import { checkHealth } from "../../shared/requests/check-health.js";

/** For probes, which have no key: it tells nothing about anybody's servers. */
app.http("health", {
  methods: ["GET"],
  authLevel: "anonymous",
  route: "health",
  handler: async () => {
    const health = await checkHealth();
    const status = health.status === "Healthy" ? 200 : 503;
    return { status, headers: { "Cache-Control": "no-store" }, jsonBody: health };
  },
});
