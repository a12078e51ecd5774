import { svelte } from "@sveltejs/vite-plugin-svelte";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

// Builds the face over made-up data into .cache/preview: for the tests of states and for looking at screens; and
// the trial of the map's renderers.
const here = fileURLToPath(new URL(".", import.meta.url));

export default defineConfig({
  root: here,
  base: "./",
  plugins: [svelte()],
  publicDir: false,
  build: {
    target: "es2022",
    outDir: fileURLToPath(new URL("../../.cache/preview", import.meta.url)),
    emptyOutDir: true,
    rollupOptions: { input: [`${here}preview.html`, `${here}map-trial.html`] },
  },
});
