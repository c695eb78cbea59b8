/** Builds the client alone: `client/livelens.js`, for pages of somebody else's. */

import { resolve } from "node:path";
import { defineConfig, type Plugin } from "vite";
import { declarationsOf } from "./declarations.ts";

const entry = resolve(import.meta.dirname, "src/client/livelens.ts");

const types: Plugin = {
  name: "livelens-declarations",
  generateBundle() {
    this.emitFile({ type: "asset", fileName: "livelens.d.ts", source: declarationsOf(entry) });
  },
};

export default defineConfig({
  plugins: [types],
  publicDir: false,
  build: {
    outDir: "../src/livelens/web/client",
    emptyOutDir: true,
    target: "es2022",
    lib: { entry, formats: ["es"], fileName: () => "livelens.js" },
    rolldownOptions: { output: { minify: true } },
  },
});
