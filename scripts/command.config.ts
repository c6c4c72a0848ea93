// How Vite bundles the command and its worker threads: `vite build --config scripts/command.config.ts`.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const fromRoot = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

// Node takes 0.2 s to find and open hundreds of small files. These are left to it: they are loaded late, or find files of their own.
const external = ["bullmq", "hyparquet-writer", "ioredis", "piscina"];

export default defineConfig({
  root: fromRoot(""),
  ssr: { noExternal: true, external },
  build: {
    ssr: true,
    outDir: fromRoot("dist/command"),
    emptyOutDir: true,
    copyPublicDir: false,
    target: "node20",
    // Stack traces are read.
    minify: false,
    reportCompressedSize: false,
    license: { fileName: "licenses.md" },
    rolldownOptions: {
      checks: { pluginTimings: false },
      input: {
        "src/node/cli": fromRoot("src/node/cli.ts"),
        "workers/rank": fromRoot("workers/rank.ts"),
        "workers/sweep": fromRoot("workers/sweep.ts"),
      },
      // In the folders of the sources, as one finds another by its place.
      output: { entryFileNames: "[name].js", chunkFileNames: "src/node/[name]-[hash].js" },
    },
  },
});
