import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { openBrowser, openPage } from "./browser.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

async function openSample(page: Page, system: string): Promise<void> {
  await page.goto(`${inject("studioUrl")}#/lab`);
  await page.getByRole("button", { name: `Try the sample of ${system}` }).click();
  await page.getByRole("link", { name: "Train on these rows" }).waitFor();
}

async function fill(page: Page, label: string, value: string): Promise<void> {
  await page.getByRole("textbox", { name: label }).fill(value);
}

async function train(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Train on these rows" }).click();
  await page.getByRole("button", { name: "Start training" }).waitFor();
  await fill(page, "Epochs", "1");
  await fill(page, "Rows to judge by, at most", "10");
  await page.getByRole("button", { name: "Measure on this device" }).click();
  await page.getByRole("region", { name: "What a run takes" }).waitFor();
  await page.getByRole("button", { name: "Start training" }).click();
  await page.getByRole("link", { name: "See the results" }).click({ timeout: 240_000 });
}

async function exported(page: Page, format: RegExp): Promise<string> {
  const waiting = page.waitForEvent("download");
  await page.getByRole("button", { name: format }).click();
  return (await waiting).suggestedFilename();
}

test(
  "LAB: a sample of SQL is trained, judged in a database, asked and taken away, and nothing leaves",
  { timeout: 400_000 },
  async () => {
    const { page, problems } = await openPage(browser);
    await openSample(page, "Questions to SQL");
    await train(page);
    await page.getByTestId("lab-verdict").waitFor();
    await page.getByRole("rowheader", { name: /^Execution accuracy/ }).waitFor();
    await page.locator("summary").filter({ hasText: "How it was judged" }).first().click();
    await page
      .getByRole("table", { name: /^What the right query finds/ })
      .first()
      .waitFor();

    const screens = page.getByRole("navigation", { name: "Screens" });
    await screens.getByRole("link", { name: "Playground" }).click();
    await page.getByRole("button", { name: "Ask a held-out row" }).click();
    await page
      .getByRole("region", { name: "Tuned" })
      .getByText(/^(right|wrong)$/)
      .waitFor({ timeout: 60_000 });
    await page.getByRole("button", { name: "Keep as an example" }).click();
    await page.getByRole("button", { name: "Export as chat JSONL" }).waitFor();

    await screens.getByRole("link", { name: "Models" }).click();
    expect(await exported(page, /^LoRA for PEFT/)).toMatch(/-peft\.zip$/);
    expect(await exported(page, /^Whole model/)).toMatch(/-merged\.zip$/);
    expect(await exported(page, /GGUF/)).toMatch(/-gguf-lora\.zip$/);
    await page.getByRole("button", { name: /0 requests sent/ }).waitFor();
    expect(problems).toEqual([]);
    await page.context().close();
  },
);

test("LAB: rows that cannot be read are refused with their line, and read without them", async () => {
  const { page, problems } = await openPage(browser);
  await page.goto(`${inject("studioUrl")}#/lab`);
  await page.getByRole("button", { name: "Use my rows for Questions to SQL" }).click();
  await page.getByRole("button", { name: "Create the project" }).click();
  const rows = Array.from({ length: 12 }, (_, index) =>
    JSON.stringify({
      question: `How many are above ${index}?`,
      context: `CREATE TABLE t${index} (a INT)`,
      answer: `SELECT COUNT(*) FROM t${index} WHERE a > ${index}`,
    }),
  );
  const text = [...rows, '{"question": "How many?"}'].join("\n");
  const files = { name: "rows.jsonl", mimeType: "", buffer: Buffer.from(text) };
  await page.getByRole("region", { name: "Rows to learn" }).getByLabel("Choose files").setInputFiles(files);
  await page
    .getByText(/line 13/)
    .first()
    .waitFor();
  await page.getByRole("button", { name: "Read it without its bad rows" }).click();
  await page.getByText("12 rows, ").waitFor();
  await page.getByText(/held out by whole groups/i).waitFor();
  expect(problems).toEqual([]);
  await page.context().close();
});

test("LAB: a run that a reload interrupts is told of on Home and goes on there; removing its project ends it", async () => {
  const { page, problems } = await openPage(browser);
  await openSample(page, "Style");
  await page.getByRole("link", { name: "Train on these rows" }).click();
  await page.getByRole("button", { name: "Start training" }).waitFor();
  await fill(page, "Epochs", "30");
  await page.getByRole("button", { name: "Start training" }).click();
  const main = page.getByRole("main");
  await main.getByRole("button", { name: "Pause" }).waitFor({ timeout: 30_000 });
  await page.reload();
  await main.getByText("interrupted", { exact: true }).waitFor();
  await page.goto(`${inject("studioUrl")}#/`);
  await page.getByText("Sample: a house style: run 1 stopped when the page closed.").waitFor();
  await main.getByRole("button", { name: "Resume" }).click();
  await main.getByRole("button", { name: "Pause" }).waitFor({ timeout: 30_000 });
  const strip = page.getByRole("banner").getByText("Run 1");
  await strip.waitFor();
  await page.goto(`${inject("studioUrl")}#/lab`);
  await page.getByRole("button", { name: "Remove Sample: a house style" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await page.getByText("None yet. A sample becomes the first one.").waitFor();
  await strip.waitFor({ state: "detached" });
  expect(problems).toEqual([]);
  await page.context().close();
});

test("LAB: a project taken away as a .zip is opened as a project of its own", async () => {
  const { page, problems } = await openPage(browser);
  await openSample(page, "Choosing a tool");
  const first = page.url();
  await page.goto(`${inject("studioUrl")}#/lab`);
  const waiting = page.waitForEvent("download");
  await page.getByRole("button", { name: /^Export .zip/ }).click();
  const path = await (await waiting).path();
  await page.getByLabel("Open a project's .zip").setInputFiles(path);
  await page.getByRole("link", { name: "Train on these rows" }).waitFor();
  expect(page.url()).not.toBe(first);
  expect(problems).toEqual([]);
  await page.context().close();
});
