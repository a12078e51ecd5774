import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";
import { serviceWorker } from "./scripts/service-worker.mjs";
import { developmentHeaders, sealedHeaders } from "./scripts/headers.mjs";

// Two pages of one origin: the sealed page ("/") may reach nothing but itself, the connected page is opened on
// purpose (docs/decisions/002-two-pages.md). `npm start` serves the build with the same headers.
export default defineConfig(({ mode }) => ({
  plugins: [svelte(), serviceWorker()],
  base: "./",
  resolve: {
    // Without the extern-wasm condition Vite would emit onnxruntime's 26 MB wasm a second time under a hashed name.
    conditions: [
      "onnxruntime-web-use-extern-wasm",
      "module",
      "browser",
      mode === "production" ? "production" : "development",
    ],
  },
  worker: { format: "es" as const },
  optimizeDeps: { exclude: ["@xenova/transformers", "onnxruntime-web", "@sqlite.org/sqlite-wasm"] },
  build: {
    target: "es2022",
    chunkSizeWarningLimit: 1200,
    // Models are served from public/models by scripts/serve.mjs; a build never copies 133 MB.
    copyPublicDir: false,
  },
  server: { headers: developmentHeaders() },
  preview: { headers: sealedHeaders() },
}));
