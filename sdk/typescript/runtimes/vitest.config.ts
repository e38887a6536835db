import { defineConfig } from "vitest/config";

const isSlow = !!process.env["SLOW"];

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    globalSetup: "harness/setup.ts",
    testTimeout: isSlow ? 300_000 : 120_000,
    maxWorkers: 2, // most of them wait, also on a machine with two cores
    maxConcurrency: 20,
    hookTimeout: 60_000,
  },
});
