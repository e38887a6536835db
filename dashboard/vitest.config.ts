/** Pure parts, the build and its weight, and the whole in a browser, each on its own. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      { test: { name: "parts", include: ["test/parts/**/*.test.ts"] } },
      {
        test: { name: "weight", include: ["test/weight/**/*.test.ts"], hookTimeout: 120_000 },
      },
      {
        // Writes pictures of every page for the documentation: no test, and run by hand.
        test: {
          name: "pictures",
          include: ["test/pictures/**/*.test.ts"],
          testTimeout: 900_000,
          hookTimeout: 300_000,
        },
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
