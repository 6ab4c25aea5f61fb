import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // More than the cores of the smallest machine: many tests wait more than they compute.
    maxWorkers: 3,
    reporters: ["default"],
  },
});
