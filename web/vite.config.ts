import { env } from "node:process";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// `npm run dev` serves the sources and passes everything else on to a Livelens server.
const server = env.LIVELENS_URL ?? "http://127.0.0.1:8080";
const routes = ["/api", "/whip", "/whep", "/healthz", "/readyz", "/metrics", "/openapi.json"];

export default defineConfig({
  plugins: [svelte()],
  // Relative addresses: the page also works below a path of a reverse proxy.
  base: "./",
  build: {
    outDir: "../src/livelens/web",
    emptyOutDir: true,
    target: "es2022",
    // A data: address would need a laxer content security policy.
    assetsInlineLimit: 0,
  },
  server: {
    // To the server the page is its own: pages of other ports may not use its cookie.
    proxy: Object.fromEntries(
      routes.map((route) => [route, { target: server, headers: { origin: server } }]),
    ),
  },
});
