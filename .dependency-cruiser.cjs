// The arrows that must never be (ARCHITECTURE.md, "Layers").
module.exports = {
  forbidden: [
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "orchestrators-hold-no-io",
      comment: "Orchestrators are replayed: they may know the model, never a server, the storage account or a secret.",
      severity: "error",
      from: { path: "^orchestrators" },
      to: { path: "^shared/(postgres|status|secrets|schema|copy|validation|settings|planning|migration|requests)" },
    },
    {
      name: "shared-knows-no-trigger",
      severity: "error",
      from: { path: "^shared" },
      to: { path: "^(functions|orchestrators)" },
    },
    {
      name: "steps-are-on-top",
      comment:
        "The steps of a migration, its validation and its requests use the concepts below them, never the other way round.",
      severity: "error",
      from: { path: "^shared/(model|secrets|postgres|status|planning|schema|copy)" },
      to: { path: "^shared/(migration|validation|requests)" },
    },
    {
      name: "functions-know-no-orchestrator-code",
      comment: "A trigger starts an orchestration by name; its code is replayed elsewhere.",
      severity: "error",
      from: { path: "^functions" },
      to: { path: "^orchestrators" },
    },
    {
      name: "nothing-knows-the-emulator",
      severity: "error",
      from: { pathNot: "^emulator" },
      to: { path: "^emulator" },
    },
    {
      name: "emulator-knows-no-app",
      comment: "The emulator loads the built app through package.json's main, as the real host does.",
      severity: "error",
      from: { path: "^emulator" },
      to: { path: "^(functions|orchestrators|shared|demo|test|bench)" },
    },
    {
      name: "cli-speaks-http",
      comment: "The command line is a package of its own: it knows the service by its HTTP API alone.",
      severity: "error",
      from: { path: "^cli" },
      to: { pathNot: "^cli|node_modules", dependencyTypesNot: ["core"] },
    },
    {
      name: "nothing-knows-the-cli",
      severity: "error",
      from: { pathNot: "^(cli|test)" },
      to: { path: "^cli" },
    },
    {
      name: "the-product-knows-no-test",
      severity: "error",
      from: { path: "^(functions|orchestrators|shared)" },
      to: { path: "^(test|demo|bench)" },
    },
    {
      name: "table-storage-is-in-status",
      severity: "error",
      from: { path: "^(functions|orchestrators|shared)", pathNot: "^shared/status" },
      to: { path: "node_modules/@azure/(data-tables|storage-queue)" },
    },
    {
      name: "console-knows-the-model-alone",
      comment:
        "The console runs in a browser and talks to the API: of the app it may know the types of its model, nothing that does I/O.",
      severity: "error",
      from: { path: "^console" },
      to: { path: "^(functions|orchestrators|emulator|demo|bench|test|shared/(?!model))" },
    },
    {
      name: "nothing-imports-the-console",
      severity: "error",
      from: { pathNot: "^console" },
      to: { path: "^console" },
    },
    {
      name: "production-code-uses-production-dependencies",
      severity: "error",
      from: { path: "^(functions|orchestrators|shared)" },
      to: { dependencyTypes: ["npm-dev", "npm-optional", "npm-no-pkg"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)dist/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.test.json" },
    enhancedResolveOptions: {
      extensions: [".ts", ".js", ".mjs"],
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
    },
  },
};
