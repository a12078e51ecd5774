import type { Browser } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serve } from "../../scripts/serve.mjs";
import { openBrowser, openPage } from "./browser.ts";

const BUILT = ".cache/grammar";

let browser: Browser;
let site: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  await build({
    ...{ root: "tests/e2e/grammar", base: "./", configFile: false, publicDir: false, logLevel: "warn" },
    worker: { format: "es" },
    build: {
      ...{ target: "es2022", outDir: `../../../${BUILT}`, emptyOutDir: true, chunkSizeWarningLimit: 1200 },
      rollupOptions: { input: "tests/e2e/grammar/grammar.html" },
    },
  });
  site = await serve({ root: BUILT, port: 0 });
  browser = await openBrowser();
});
afterAll(async () => {
  await browser.close();
  await site.close();
});

test("a worker of a built, sealed page holds answers to a schema without making code of text", async () => {
  const { page, problems } = await openPage(browser);
  await page.goto(`${site.url}/grammar.html`);
  const said = async (): Promise<string> => ((await page.locator("body").textContent()) ?? "").trim();
  await expect.poll(said, { timeout: 60_000 }).not.toBe("");
  const lines = (await said()).split("\n");
  expect(lines.slice(0, 5)).toEqual(['{"a":', "12, 13", '"b":', "true} tru", "true"]);
  expect(lines[5]).toContain("Expect element");
  expect(problems).toEqual([]);
});
