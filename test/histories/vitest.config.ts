import { defineConfig } from "vitest/config";

/** For `npm run record:histories`: writes fixtures, and is no test. */
export default defineConfig({
  test: { include: ["test/histories/record.ts"], hookTimeout: 120_000 },
});
