import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { faceUrl, openBrowser, openPage } from "./browser.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

test("negatives of the sample are found, accepted, kept over a reload, and taken back", async () => {
  const { page, problems } = await openPage(browser);
  await page.goto(inject("studioUrl"));
  await page.getByRole("button", { name: "Try the sample" }).click();
  await page.getByRole("heading", { level: 1, name: "Results" }).waitFor({ timeout: 120_000 });
  await page.getByRole("link", { name: "Data" }).first().click();
  await page.getByRole("tab", { name: "Negatives" }).click();
  await page.getByLabel("Relative margin").fill("0.05");
  await page.getByRole("button", { name: "Find negatives", exact: true }).click();
  const list = page.getByRole("list", { name: "Questions with negatives" });
  await list.waitFor({ timeout: 60_000 });
  await page.getByText(/^[\d,]+ near misses and [\d,]+ random ones for [\d,]+ questions\./).waitFor();
  await page.getByText("Too close to the right passage (relative margin)").waitFor();
  await page.getByRole("button", { name: "Accept as negative" }).first().click();
  await page.getByText(/^1 of [\d,]+ accepted/).waitFor();
  await page.getByRole("button", { name: "Reject: it may be right" }).nth(1).click();
  await page.getByRole("button", { name: "Accept all proposed" }).click();
  const line = (await page.getByText(/^[\d,]{3,} of [\d,]+ accepted/).textContent())!;
  const [most, all] = line.match(/[\d,]+/g)!;
  const number = (shown: string): number => Number(shown.replaceAll(",", ""));
  expect(number(most)).toBe(number(all!) - 1);

  await page.reload();
  await page.getByText(`${most} of ${all} accepted`).waitFor();
  await page.getByRole("button", { name: "Remove all" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove all" }).click();
  await page.getByText(`0 of ${all} accepted`).waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText(`${most} of ${all} accepted`).waitFor();

  await page.getByText("Take negatives away").click();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Save negatives" }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/-triplet\.jsonl$/);
  expect(problems).toEqual([]);
});

test("the histogram of scores can be read as a table", async () => {
  const { page, problems } = await openPage(browser);
  await page.goto(faceUrl("better", "#/p/p1/data/negatives"));
  await page.getByRole("button", { name: "Show as table" }).click();
  const table = page.getByRole("region", { name: "Scores of right passages and near misses" });
  expect(await table.getByRole("row").count()).toBe(31);
  await page.getByRole("button", { name: "Show as table" }).click();
  await page.getByRole("img", { name: "Scores of right passages and near misses" }).waitFor();
  expect(problems).toEqual([]);
});
