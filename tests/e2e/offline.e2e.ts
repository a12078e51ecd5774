import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { serve } from "../../scripts/serve.mjs";
import { expectVerdict, openBrowser, openPage } from "./browser.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

/** A visit after which the service worker holds what the page is made of. */
async function visit(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByRole("button", { name: "Try the sample" }).waitFor();
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
}

test("from the second visit on the page opens, trains and judges without a network", async () => {
  const { page } = await openPage(browser);
  await visit(page, inject("studioUrl"));
  await visit(page, inject("studioUrl"));
  await page.context().setOffline(true);
  await page.goto(inject("studioUrl"));
  await page.getByRole("button", { name: "Try the sample" }).click();
  await expectVerdict(page);
});

test("the page can be installed: name, start, icons and a service worker", async () => {
  const { page } = await openPage(browser);
  await visit(page, inject("studioUrl"));
  const manifest = await page.evaluate(async () => {
    const link = document.querySelector<HTMLLinkElement>("link[rel=manifest]")!;
    const found = (await (await fetch(link.href)).json()) as {
      name: string;
      icons: { src: string; sizes: string }[];
    };
    const icons = await Promise.all(found.icons.map((icon) => fetch(new URL(icon.src, link.href))));
    return {
      name: found.name,
      sizes: found.icons.map((icon) => icon.sizes),
      ok: icons.every((icon) => icon.ok),
    };
  });
  expect(manifest).toEqual({ name: "Retune", sizes: ["any", "192x192", "512x512", "512x512"], ok: true });
});

test("a newer version is offered, never taken during a run", async () => {
  const folder = mkdtempSync(join(process.cwd(), ".cache", "update-"));
  cpSync("dist", folder, { recursive: true, filter: (path) => !path.startsWith(join("dist", "ort")) });
  const { url, close } = await serve({ root: relative(process.cwd(), folder) });
  try {
    const { page } = await openPage(browser);
    await visit(page, url);
    await visit(page, url);
    const loaded = await page.evaluate(() => performance.timeOrigin);

    await page.getByRole("button", { name: "Try the sample" }).click();
    await page.getByRole("button", { name: "Stop and keep best" }).waitFor();
    const worker = join(folder, "sw.js");
    writeFileSync(worker, readFileSync(worker, "utf8").replace(/VERSION = "\w{4}/, 'VERSION = "0000'));
    await page.evaluate(() =>
      navigator.serviceWorker.ready.then((registration) => registration.update().then(() => true)),
    );
    await page.getByText("A newer version of Retune is ready.").waitFor();
    await expectVerdict(page);
    expect(await page.evaluate(() => performance.timeOrigin)).toBe(loaded);

    await page.getByRole("button", { name: "Update now" }).click();
    await expect.poll(() => page.evaluate(() => performance.timeOrigin).catch(() => loaded)).not.toBe(loaded);
    await expectVerdict(page);
  } finally {
    await close();
    rmSync(folder, { recursive: true, force: true });
  }
});
