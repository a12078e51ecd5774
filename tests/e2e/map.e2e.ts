import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { faceUrl, openBrowser, openPage } from "./browser.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

test("both renderers of the map put the same ink in the same places", async () => {
  const { page, problems } = await openPage(browser);
  await page.goto(`${inject("facesUrl")}/map-trial.html`);
  const drawn = async (name: "webgpu" | "canvas") => {
    await page.waitForFunction(() => typeof window.draw === "function");
    return page.evaluate((renderer) => window.draw(renderer, 300), name);
  };
  const [gpu, canvas] = [await drawn("webgpu"), await drawn("canvas")];
  expect(gpu).not.toBeNull();
  expect(canvas!.covered).toBeGreaterThan(5000);
  expect(Math.abs(gpu!.covered / canvas!.covered - 1)).toBeLessThan(0.12);
  const differing = gpu!.centres.filter((ink, index) =>
    ink.some((value, channel) => Math.abs(value - canvas!.centres[index]![channel]!) > 2),
  );
  expect(differing.length).toBeLessThan(12); // where edges of two points meet on one pixel
  expect(problems).toEqual([]);
});

test("the map is moved and read by keyboard: a text is found, chosen, and its passage and row are one step away", async () => {
  const { page, problems } = await openPage(browser);
  await page.goto(faceUrl("better", "#/p/p1/results/r1/map"));
  const canvas = page.getByRole("application", { name: /Map of 240 texts/ });
  await canvas.focus();
  for (const key of ["+", "ArrowLeft", "ArrowUp", "-", "0"]) await page.keyboard.press(key);
  await page.getByRole("searchbox", { name: "Find texts" }).fill("month?");
  await page.getByText("60 texts").waitFor();
  const list = page.getByRole("listitem").getByRole("button");
  await list.first().press("Enter");
  const chosen = page.getByRole("region", { name: "Chosen text" });
  await chosen.getByRole("heading", { name: "The passage that answers it" }).waitFor();
  await chosen.getByRole("link", { name: "Open its row in the table" }).waitFor();
  await page.getByRole("searchbox", { name: "Find texts" }).fill("");
  expect(await page.getByRole("region", { name: "Nearest on the map" }).getByRole("button").count()).toBe(8);
  await page.getByRole("slider", { name: "Before or after tuning" }).fill("0");
  await page.getByRole("application", { name: /before tuning/ }).waitFor();
  await page.getByRole("checkbox", { name: /Passages/ }).uncheck();
  await chosen.getByRole("button", { name: "Close" }).click();
  await page.getByText("Choose a mark, or find a text").waitFor();
  expect(problems).toEqual([]);
});

test("with less motion wished for, marks keep the colours of their kinds", async () => {
  const { page, problems } = await openPage(browser);
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.goto(faceUrl("better", "#/p/p1/results/r1/map"));
  const coloured = () =>
    page.locator("canvas[data-renderer=canvas]").evaluate((canvas: HTMLCanvasElement) => {
      const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let at = 0; at < data.length; at += 4) {
        const [red, green, blue] = [data[at]!, data[at + 1]!, data[at + 2]!];
        if (data[at + 3]! > 0 && Math.max(red, green, blue) - Math.min(red, green, blue) > 60) count++;
      }
      return count;
    });
  await expect.poll(coloured, { timeout: 10_000 }).toBeGreaterThan(200);
  expect(problems).toEqual([]);
});
