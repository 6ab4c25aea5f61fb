import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "emulator/test/**/*.test.ts"],
    globalSetup: ["test/fixtures/cluster-templates.ts"],
    setupFiles: ["test/fixtures/hold-to-contract.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // More than the cores of the smallest machine: many tests wait more than they compute.
    maxWorkers: 3,
    // In CI a busy machine can make a real server late once; what fails twice is broken. At one's desk nothing is tried again.
    retry: process.env.CI === undefined ? 0 : 1,
    reporters: ["default"],
  },
});
