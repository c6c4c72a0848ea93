// How Vite builds the page: `vite build --config scripts/page.config.ts`.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

export default defineConfig({
  root: fileURLToPath(new URL("../src/web", import.meta.url)),
  // Relative, so that the build can lie in any folder of a server.
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  worker: {
    format: "es",
    // simulate() loads the in-process host late, for Node's sake; the page needs it at once.
    rolldownOptions: { checks: { ineffectiveDynamicImport: false } },
  },
  build: {
    outDir: fileURLToPath(new URL("../dist/web", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    reportCompressedSize: false,
    // A policy of same-origin scripts only refuses data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
