// How Vite builds the page: `vite build --config scripts/page.config.ts`.
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

/** What the first script imports late is fetched while it starts the worker. */
const preloadLate: Plugin = {
  name: "preload-late",
  transformIndexHtml(_html, { bundle = {} }) {
    const late = Object.values(bundle).filter((file) => file.type === "chunk" && !file.isEntry);
    const tagOf = ({ fileName }: { fileName: string }) => ({
      tag: "link",
      attrs: { rel: "modulepreload", href: `./${fileName}` },
    });
    return late.map(tagOf);
  },
};

export default defineConfig({
  root: fileURLToPath(new URL("../src/web", import.meta.url)),
  // Relative, so that the build can lie in any folder of a server.
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [preloadLate],
  worker: {
    format: "es",
    rolldownOptions: {
      // simulate() loads the in-process host late, for Node's sake; the page needs it at once.
      checks: { ineffectiveDynamicImport: false, pluginTimings: false },
      // All that a worker needs at its start in one file: as several they would be fetched one after another.
      output: { codeSplitting: { groups: [{ name: "start", tags: ["$initial"] }] } },
    },
  },
  build: {
    outDir: fileURLToPath(new URL("../dist/web", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    reportCompressedSize: false,
    // A policy of same-origin scripts only refuses data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // On a busy machine it would tell how long which plugin took.
    rolldownOptions: { checks: { pluginTimings: false } },
  },
});
