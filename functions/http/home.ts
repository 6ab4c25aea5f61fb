import { app } from "@azure/functions";

/** The root of the app leads to the console. On Azure it takes the setting AzureWebJobsDisableHomepage=true. */
app.http("home", {
  methods: ["GET"],
  authLevel: "anonymous",
  // The root cannot be written as a route: a parameter that can hold nothing is what matches it.
  route: "{root:maxlength(0)?}",
  handler: async (request) => {
    const { pathname } = new URL(request.url);
    return { status: 302, headers: { Location: `${pathname.replace(/\/$/, "")}/console/` } };
  },
});
