import { app } from "@azure/functions";
import { consoleFile } from "./console/page.js";

app.http("console", {
  methods: ["GET"],
  authLevel: "anonymous",
  route: "console/{*path}",
  handler: async (request) => {
    const { pathname } = new URL(request.url);
    const path = request.params.path ?? "";
    // Its files are addressed relative to it.
    if (path === "" && !pathname.endsWith("/")) return { status: 302, headers: { Location: `${pathname}/` } };
    return await consoleFile({
      path,
      acceptEncoding: request.headers.get("accept-encoding") ?? "",
      // App Service sets it: learn.microsoft.com, "Environment variables and app settings", authentication.
      platformSignIn: process.env.WEBSITE_AUTH_ENABLED?.toLowerCase() === "true",
    });
  },
});
