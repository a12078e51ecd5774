import { svelte } from "@sveltejs/vite-plugin-svelte";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

// Tests are sorted by what they need (tests/README.md): nothing, a WebGPU adapter, or a real browser.
const webTransformers = fileURLToPath(
  new URL("node_modules/@xenova/transformers/dist/transformers.web.js", import.meta.url),
);

const shared = {
  resolve: { alias: { "@xenova/transformers": webTransformers } },
  test: { server: { deps: { inline: [/@xenova\/transformers/] } } },
};

export default defineConfig({
  plugins: [svelte({ compilerOptions: { hmr: false } })],
  test: {
    projects: [
      {
        ...shared,
        plugins: [svelte()],
        test: {
          ...shared.test,
          name: "node",
          include: ["tests/**/*.test.ts"],
          exclude: ["tests/**/*.gpu.test.ts", "tests/**/*.long.test.ts", "tests/e2e/**"],
          testTimeout: 60_000,
          retry: 1, // some tests catch a run in the act: once more where the machine was too quick or too busy
        },
      },
      {
        ...shared,
        test: {
          ...shared.test,
          name: "gpu",
          include: ["tests/**/*.gpu.test.ts"],
          exclude: ["tests/**/*.long.gpu.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          pool: "forks",
        },
      },
      {
        ...shared,
        test: {
          ...shared.test,
          name: "e2e",
          include: ["tests/e2e/**/*.e2e.ts"],
          exclude: ["tests/e2e/**/*.long.e2e.ts"],
          testTimeout: 240_000,
          hookTimeout: 240_000,
          retry: 1, // a real browser beside other work; the report says what was tried again
          fileParallelism: false,
          globalSetup: ["tests/e2e/global-setup.ts"],
        },
      },
      {
        ...shared,
        test: {
          ...shared.test,
          name: "long",
          include: ["tests/**/*.long.test.ts", "tests/**/*.long.gpu.test.ts", "tests/**/*.long.e2e.ts"],
          testTimeout: 3_600_000,
          hookTimeout: 600_000,
          fileParallelism: false,
          globalSetup: ["tests/e2e/global-setup.ts"],
        },
      },
    ],
  },
});
