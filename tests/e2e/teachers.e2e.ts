import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { bigramModel } from "./bigram-model.ts";
import { openBrowser, openPage } from "./browser.ts";

let browser: Browser;
let folder: string;
beforeAll(async () => {
  browser = await openBrowser();
  folder = join(mkdtempSync(join(tmpdir(), "retune-teacher-")), "bigram-instruct");
  for (const [path, bytes] of bigramModel()) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
});
afterAll(async () => {
  await browser.close();
  rmSync(dirname(folder), { recursive: true, force: true });
});

/** A new project with one short document, on its Questions tab with the card that writes questions. */
async function openGeneration(page: Page): Promise<void> {
  await page.goto(inject("studioUrl"));
  await page.getByRole("button", { name: "Import documents" }).click();
  await page.getByRole("textbox", { name: "Name of the project" }).fill("Forms");
  await page.getByRole("button", { name: "Create the project" }).click();
  await page.getByRole("heading", { level: 1, name: "Data" }).waitFor();
  const text =
    "# Forms\n\nThe rota lead signs the form for a swap before noon on the day of the swap itself.\n";
  await page
    .locator("input[type=file]:not([webkitdirectory])")
    .first()
    .setInputFiles([{ name: "forms.md", mimeType: "text/markdown", buffer: Buffer.from(text) }]);
  await page.getByText("forms.md").first().waitFor();
  await page.goto(
    `${page.url().split("#")[0]}#${page
      .url()
      .split("#")[1]!
      .replace(/\/data.*/, "/data/questions")}`,
  );
  await page.getByRole("radio", { name: /An instruct model run here/ }).waitFor();
}

test("an instruct model picked as a folder writes questions in the tab, and nothing is sent", async () => {
  const { page, problems } = await openPage(browser);
  await openGeneration(page);
  await page.getByRole("radio", { name: /An instruct model run here/ }).check();
  await page.getByText("No instruct model is here yet").waitFor();
  await page.locator("input[webkitdirectory]").last().setInputFiles(folder);
  await page.getByRole("combobox", { name: "Model" }).waitFor({ timeout: 60_000 });
  await page.getByText("The prompt", { exact: true }).first().click();
  await page.getByRole("textbox", { name: "The prompt" }).fill("Ask about: {context_str}");
  await page.getByRole("button", { name: "Write questions with this model" }).click();
  await page
    .getByText(/^Who signs the form ?\?$/)
    .first()
    .waitFor({ timeout: 60_000 });
  await page
    .getByText(/teacher: bigram-instruct/)
    .first()
    .waitFor();
  await page.getByRole("button", { name: /0 requests sent/ }).waitFor();
  expect(problems).toEqual([]);
});

test("the browser's own model writes questions where there is one, each prompt without a past", async () => {
  const { page, problems } = await openPage(browser);
  await page.addInitScript(() => {
    const asked: string[] = [];
    const session = {
      clone: () => Promise.resolve({ ...session }),
      destroy: () => undefined,
      prompt: (text: string) => {
        asked.push(text);
        return Promise.resolve("1. Who signs a swap?\n2. When must it be signed?");
      },
    };
    Object.assign(globalThis, {
      asked,
      LanguageModel: {
        availability: () => Promise.resolve("available"),
        create: () => Promise.resolve(session),
      },
    });
  });
  await openGeneration(page);
  await page.getByRole("radio", { name: /The browser's own model/ }).check();
  await page.getByRole("button", { name: "Write questions with the browser's model" }).click();
  await page.getByText("When must it be signed?").first().waitFor();
  const asked = await page.evaluate(() => (globalThis as unknown as { asked: string[] }).asked);
  expect(asked).toHaveLength(1);
  expect(asked[0]).toContain("The rota lead signs the form");
  expect(problems).toEqual([]);
});

test("a folder that is no instruct model is refused with what it lacks", async () => {
  const { page } = await openPage(browser);
  await openGeneration(page);
  await page.getByRole("radio", { name: /An instruct model run here/ }).check();
  const other = join(dirname(folder), "other");
  mkdirSync(other, { recursive: true });
  writeFileSync(join(other, "config.json"), "{}");
  await page.locator("input[webkitdirectory]").last().setInputFiles(other);
  await page.getByText(/other is no instruct model that runs here: it lacks tokenizer.json/).waitFor();
});
