/** The build: hashed files into the Python package, which serves them under a strict CSP. */
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const SERVER = process.env["PURAS_API_BASE"] ?? "http://127.0.0.1:8787";

export default defineConfig({
  plugins: [react()],
  // The SDK is linked, and has a React of its own for its tests.
  resolve: { dedupe: ["react", "react-dom"] },
  build: {
    outDir: "../src/puras/server/static",
    emptyOutDir: true,
    // Nothing inline: the policy of the page allows files of its own origin only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  server: {
    proxy: Object.fromEntries(["/v1", "/session", "/health"].map((path) => [path, SERVER])),
  },
});
