/** Pure parts, the build and its weight, and the whole in a browser, each on its own. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      { test: { name: "parts", include: ["test/parts/**/*.test.ts"] } },
      {
        test: { name: "build", include: ["test/build/**/*.test.ts"], testTimeout: 120_000 },
      },
      {
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          globalSetup: "test/browser/setup.ts",
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
