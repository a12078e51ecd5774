import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { serve } from "../../../scripts/serve.mjs";
import { expectVerdict } from "../browser.ts";
import { finishSample, freshPage, openFaultBrowser, startRun, waitForSteps } from "./studio-actions.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openFaultBrowser();
});
afterAll(() => browser.close());

// A copy of the built site, so that a new version can be put in its place.
let site: string;
let server: Awaited<ReturnType<typeof serve>>;
beforeEach(async () => {
  site = mkdtempSync(join(tmpdir(), "retune-site-"));
  cpSync("dist", site, { recursive: true, filter: (path) => !/[\\/]ort$/.test(path) });
  server = await serve({ root: relative(process.cwd(), site) });
});
afterEach(async () => {
  await server.close();
  rmSync(site, { recursive: true, force: true });
});

/** Opens the page and waits until its service worker has everything and answers for it. */
async function visit(page: Page): Promise<void> {
  await page.goto(server.url);
  await page.getByRole("button", { name: "Try the sample" }).waitFor();
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    if (navigator.serviceWorker.controller) return;
    await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve));
  });
}

const versions = (page: Page): Promise<string[]> =>
  page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith("retune-shell-")));

describe("R11: without a network", () => {
  test("F22: after one visit the page opens with its server gone, and the sample runs to its verdict", async () => {
    const { context, page } = await freshPage(browser);
    await visit(page);
    await server.close();
    await page.reload();
    await page.getByRole("button", { name: "Try the sample" }).click();
    await expectVerdict(page);
    await page.getByRole("button", { name: /0 requests sent/ }).click();
    await page.getByText("Ready to work offline").waitFor();
    await page.getByText(/^Sealed by/).waitFor(); // what the worker keeps it answers with the same headers
    await context.close();
  });

  test("F26: a newer version waits, says so, and reloads nothing while a run is under way", async () => {
    const { context, page } = await freshPage(browser);
    await visit(page);
    const [first] = await versions(page);
    await finishSample(page, server.url);
    await startRun(page, { recipe: /Two-layer/, epochs: 500 });
    await waitForSteps(page, 50);
    await page.evaluate(() => Object.assign(globalThis, { samePage: true }));

    const worker = join(site, "sw.js");
    const newer = readFileSync(worker, "utf8").replace(/const VERSION = "[^"]+"/, 'const VERSION = "next"');
    writeFileSync(worker, newer);
    await page.evaluate(async () => {
      await (await navigator.serviceWorker.ready).update();
    });
    const notice = page.getByText("A newer version of Retune is ready.");
    await notice.waitFor();
    await page.getByText("It will be offered again when the run has ended.").waitFor();
    expect(await page.getByRole("button", { name: "Update now" }).count()).toBe(0);
    for (const name of readdirSync(join(site, "assets"))) rmSync(join(site, "assets", name));
    await waitForSteps(page, 100); // it goes on
    const script = await page.evaluate(async () => {
      const address = document.querySelector<HTMLScriptElement>("script[type=module]")!.src;
      return (await fetch(address)).status; // its own files are still there, though the server has them no more
    });
    expect(script).toBe(200);
    expect(await page.evaluate(() => "samePage" in globalThis)).toBe(true);

    await page.getByRole("button", { name: "Stop and keep best" }).click();
    await page.waitForURL(/\/results\//);
    await page.getByRole("button", { name: "Update now" }).click();
    await page.waitForFunction(() => !("samePage" in globalThis));
    await page.getByRole("heading", { level: 1, name: "Results" }).waitFor();
    await expect.poll(() => versions(page)).toEqual(["retune-shell-next"]);
    expect(first).not.toBe("retune-shell-next");
    await context.close();
  });
});
