import { readFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { VERDICT, openBrowser } from "./browser.ts";
import { checkpointsSaved, outcomeOf } from "./kill-harness.ts";
import {
  exportedNames,
  openTuning,
  readPlan,
  runName,
  setUp,
  show,
  start,
  verdictOf,
  type TuningPage,
} from "./tuning-actions.ts";

// One project, in which every kind of model is tuned from a base of two small layers.
let browser: Browser;
let studio: TuningPage;
let page: Page;

beforeAll(async () => {
  browser = await openBrowser();
  studio = await openTuning(browser);
  page = studio.page;
});

afterEach(() => {
  expect(studio.problems).toEqual([]);
  expect(studio.elsewhere).toEqual([]);
});

afterAll(() => browser.close());

test("LoRA is planned, trained, judged, and taken away as a PEFT and a sentence-transformers folder", async () => {
  await setUp(page, "lora", { Epochs: 1, Rank: 4 });
  await page.getByLabel("Hold in place").selectOption("general");
  await page.getByText("Held in place").waitFor({ timeout: 120_000 });
  const plan = await readPlan(page);
  expect(plan.get("Held in place")).toBe("64 general questions");
  expect(plan.get("Time")).toMatch(/^about [\d.]+\s(s|min)/);
  expect(plan.get("Memory")).toMatch(/\d\s(kB|MB)$/);
  expect(plan.get("Texts to embed again")).toMatch(/^324/);
  expect(plan.get("Trained weights")).toMatch(/^[\d,\s]+ of [\d,\s]+$/);
  const run = await start(page);
  expect(await verdictOf(page, run)).toMatch(VERDICT);

  const name = await runName(page);
  const peft = await exportedNames(page, name, /^PEFT adapter/);
  expect(peft).toEqual(expect.arrayContaining(["adapter_config.json", "adapter_model.safetensors"]));
  const folder = await exportedNames(page, name, /^sentence-transformers folder/);
  for (const file of ["modules.json", "config.json", "model.safetensors", "tokenizer.json"]) {
    expect(folder).toContain(file);
  }
  expect(folder).toContain("1_Pooling/config.json");
});

test("a full fine-tune whose worker is killed ends with the same weights as one that ran through", async () => {
  // Without held-out questions the last step's weights are kept, whatever they are worth.
  const every = [{ Epochs: 10, "Batch size": 4 }, /^Compatible with sentence-transformers/] as const;
  await setUp(page, "encoder", ...every);
  const whole = await start(page);
  const first = await outcomeOf(page, whole);
  expect(first).toMatchObject({ state: "finished" });
  expect(first.digests).not.toEqual([]);
  expect(first.losses).not.toHaveLength(0);

  await setUp(page, "encoder", ...every);
  const broken = await start(page);
  await checkpointsSaved(page, 1, broken);
  const worker = page.workers().find((each) => each.url().includes("train.worker"));
  await worker!.evaluate(() => close());
  expect(await outcomeOf(page, broken)).toEqual(first);
  await show(page, `train/run/${broken}`);
  await page
    .getByText(/from the last checkpoint|resumed/i)
    .first()
    .waitFor();
});

test("a re-ranker shows its lists before and after, and re-ranks in the Playground", async () => {
  await setUp(page, "cross-encoder", { Epochs: 0.5 });
  await readPlan(page);
  const run = await start(page);
  expect(await verdictOf(page, run)).toMatch(
    /^Ordering the first \d+ anew puts the right passage in the top 5/,
  );
  await page.getByRole("region", { name: "Before and after re-ranking" }).waitFor();
  await page.getByRole("row", { name: /^Right in the 3 kept, of 165 questions \d+/ }).waitFor();
  const name = await runName(page);

  await show(page, "playground");
  await page.getByLabel("Re-ranked by").selectOption({ label: `Re-ranked (${name.toLowerCase()})` });
  await page.getByRole("group", { name: "From the test questions" }).getByRole("button").first().click();
  await page.getByRole("heading", { name: `Re-ranked (${name.toLowerCase()})` }).waitFor();
  await page.getByText(/passages re-ranked in [\d.,]+ ms/).waitFor();
});

test("a router learns imported choices, shows its mistakes and routes a question", async () => {
  await show(page, "data/router");
  const zone = page.getByRole("group", { name: "Import choices and questions" });
  const buffer = readFileSync("public/samples/router/train.json");
  await zone
    .locator("input")
    .first()
    .setInputFiles([{ name: "router.json", mimeType: "application/json", buffer }]);
  await page.getByText("6 choices and 100 questions imported.").waitFor();
  await page.getByRole("link", { name: "Train the router" }).click();
  await page.getByRole("combobox", { name: "Trainer" }).waitFor();
  await setUp(page, "router", {});
  await page.getByRole("combobox", { name: "Trainer" }).selectOption("softmax");
  await readPlan(page);
  const run = await start(page);
  expect(await verdictOf(page, run)).toMatch(/^Picks the right choice for [\d.]+\s% of \d+ unseen questions/);
  await page.getByRole("region", { name: "What was right, and what was said" }).waitFor();

  await show(page, "playground");
  const panel = page.getByRole("region", { name: "Route a question" });
  await panel.getByLabel("Question to route").fill("which greenhouse was too hot last night");
  await panel.getByRole("button", { name: "Route" }).click();
  await panel.getByText(/, right with \d+\s%|^None of these: /).waitFor();
});

test("a rung of the ladder is judged inside the hybrid search", async () => {
  await show(page, "train/setup");
  await page.getByText(/^The ladder/).click();
  await page.getByRole("button", { name: "Try fusion" }).click();
  const rung = page.getByRole("listitem").filter({ hasText: "Weights of words and vectors, fitted." });
  await rung.getByText(/^(better|no gain)$/).waitFor({ timeout: 60_000 });
  await rung.getByText(/[+−]?[\d.]+ ± [\d.]+ over base/).waitFor();
});
