import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectVerdict, openBrowser, openPage, trySample } from "./browser.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

test("the first click leads from a fresh page to a verdict, offline and within a minute", async () => {
  const { page, problems } = await openPage(browser);
  const seconds = await trySample(page);
  expect(seconds).toBeLessThan(60);
  expect(await page.getByRole("button", { name: /0 requests sent/ }).count()).toBe(1);

  await page.reload();
  await expectVerdict(page);

  await page.getByRole("tab", { name: "Queries" }).click();
  await page.getByRole("list", { name: "Questions" }).getByRole("button").first().click();
  await page.getByRole("dialog").getByRole("heading", { name: "Right passage" }).waitFor();
  expect(page.url()).toContain("row=");
  await page.keyboard.press("Escape");

  await page.getByRole("link", { name: "Home" }).click();
  await page.getByRole("button", { name: "Open the sample's results" }).waitFor();
  expect(problems).toEqual([]);
});

test("every search tells whether tuning helped, and one question can be tried in each", async () => {
  const { page, problems } = await openPage(browser);
  await trySample(page);
  for (const view of ["Hybrid", "Lexical", "Dense"]) {
    await page.getByRole("radio", { name: view, exact: true }).check();
    await page
      .getByText(/finds the right passage in the top 5/)
      .first()
      .waitFor();
  }
  await page.getByRole("link", { name: "Try it" }).click();
  await page.getByRole("group", { name: "From the test questions" }).getByRole("button").first().click();
  await page.getByRole("heading", { name: "Base", exact: true }).waitFor();
  await page.getByRole("heading", { name: /^Tuned \(run 1\)/ }).waitFor();
  await page.getByRole("radio", { name: "Lexical" }).check();
  await page.getByRole("heading", { name: "Word search (BM25)" }).waitFor();
  expect(problems).toEqual([]);
});
