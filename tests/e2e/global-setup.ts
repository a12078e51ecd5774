import type { TestProject } from "vitest/node";
import { build } from "vite";
import { buildAll } from "../../scripts/build.mjs";
import { serve } from "../../scripts/serve.mjs";

declare module "vitest" {
  export interface ProvidedContext {
    studioUrl: string; // the built studio, with the headers of `npm start`
    facesUrl: string; // the same face over made-up data (tests/ui/preview.ts)
  }
}

/** Builds what is stale and serves both pages for the whole run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await buildAll();
  await build({ configFile: "tests/ui/preview.vite.ts", logLevel: "warn" });
  const studio = await serve({ root: "dist", port: 0 });
  const faces = await serve({ root: ".cache/preview", port: 0 });
  project.provide("studioUrl", studio.url);
  project.provide("facesUrl", faces.url);
  return async () => {
    await studio.close();
    await faces.close();
  };
}
