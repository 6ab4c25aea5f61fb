import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Twice the cores of the smallest machine: most tests wait more than they compute.
    maxWorkers: 4,
    reporters: ["default"],
  },
});
