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
      to: { path: "^shared/(?!model/)" },
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
      from: { path: "^shared/(model|secrets|postgres|status|planning|schema|ledger|copy)" },
      to: { path: "^shared/(run|base-copy|following|lifecycle|validation|requests)" },
    },
    {
      name: "run-is-below-the-steps",
      comment:
        "What every step needs knows none of them; following knows nothing of the base copy that comes before it.",
      severity: "error",
      from: { path: "^shared/(run|following)" },
      to: { path: "^shared/(base-copy|lifecycle|validation|requests)" },
    },
    {
      name: "run-knows-no-following",
      severity: "error",
      from: { path: "^shared/run" },
      to: { path: "^shared/following" },
    },
    {
      name: "validation-stands-beside-the-steps",
      severity: "error",
      from: { path: "^shared/validation" },
      to: { path: "^shared/(base-copy|following|lifecycle|requests)" },
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
      comment: "Histories are replayed by the rules of its engine, which are the host's.",
      severity: "error",
      from: { pathNot: "^(emulator|test/histories)" },
      to: { path: "^emulator" },
    },
    {
      name: "emulator-knows-no-app",
      comment: "The emulator loads the built app through package.json's main, as the real host does.",
      severity: "error",
      from: { path: "^emulator" },
      to: { path: "^(functions|orchestrators|shared|local|demo|test|bench)" },
    },
    {
      name: "people-start-no-test",
      comment: "What starts servers, storage and the local host for people is in local/, not in the tests' fixtures.",
      severity: "error",
      from: { path: "^(local|demo|bench)" },
      to: { path: "^test" },
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
      to: { path: "^(local|test|demo|bench)" },
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
