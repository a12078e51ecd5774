import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { expect, inject } from "vitest";
import { openZip } from "../../src/domain/formats/zip.ts";
import { openPage, trySample, type WatchedPage } from "./browser.ts";
import { projectOf, runOf } from "./faults/studio-actions.ts";

// What a person does to tune a model with weights in the built studio, by role and name.

export const BASE = "st-tiny"; // the folder's name is the model's
const FOLDER = join("tests/fixtures/formats", BASE);

export interface TuningPage extends WatchedPage {
  readonly elsewhere: readonly string[]; // addresses asked for outside the studio's own
}

/** The sample's project with a model of two small layers added under Models and chosen as its encoder. */
export async function openTuning(browser: Browser): Promise<TuningPage> {
  const watched = await openPage(browser);
  const { page } = watched;
  const elsewhere: string[] = [];
  const own = new URL(inject("studioUrl")).origin;
  page.context().on("request", (request) => {
    const url = new URL(request.url());
    if (!["blob:", "data:"].includes(url.protocol) && url.origin !== own) elsewhere.push(request.url());
  });
  await trySample(page);
  await show(page, "models");
  const zone = page.getByRole("group", { name: "Add a model's folder" });
  await zone.locator("input[webkitdirectory]").setInputFiles(FOLDER);
  const models = page.getByRole("list").filter({ hasText: "encoder, from your folder" });
  await models.getByRole("button", { name: `Remove ${BASE}` }).waitFor();
  await show(page, "data");
  await page.getByLabel("Embedding model").selectOption({ label: `${BASE} (32, fp32)` });
  return { ...watched, elsewhere };
}

/** Opens a screen of the project by its address ("train/setup?task=lora"). */
export async function show(page: Page, path: string): Promise<void> {
  await page.goto(`${inject("studioUrl")}#/p/${projectOf(page)}/${path}`);
  await page.getByRole("heading", { level: 1 }).waitFor();
}

export type Task = "lora" | "encoder" | "cross-encoder" | "router";

/** Train/Setup of a task from the small base, with some fields of the drawer filled in. */
export async function setUp(
  page: Page,
  task: Task,
  fields: Readonly<Record<string, number>>,
  mode = /^Recommended/,
): Promise<void> {
  await show(page, `train/setup?task=${task}`);
  if (task !== "router") await page.getByRole("radio", { name: mode }).check();
  if (task !== "router") await page.getByLabel("Starts from").selectOption({ label: BASE });
  const drawer = page.locator("details").filter({ hasText: /^Advanced/ });
  if ((await drawer.getAttribute("open")) === null) await drawer.locator("summary").click();
  for (const [name, value] of Object.entries(fields)) {
    await page.getByLabel(name, { exact: true }).fill(String(value));
  }
}

/** What the plan says before a run, by its names. */
export async function readPlan(page: Page): Promise<ReadonlyMap<string, string>> {
  const plan = page.getByRole("complementary").filter({ hasText: "Before it starts" });
  await plan.locator("dl").waitFor({ timeout: 120_000 });
  const rows = await plan
    .locator("dl > div")
    .evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent.trim())));
  return new Map(rows.map(([name, value]) => [name!, value!]));
}

/** Starts what is set up; gives the run's id. */
export async function start(page: Page): Promise<string> {
  await page.getByRole("button", { name: "Start training" }).click();
  await page.waitForURL(/\/train\/run\//);
  return runOf(page);
}

/** Waits for the run that is watched to end on its results; gives the verdict's sentence. */
export async function verdictOf(page: Page, runId: string): Promise<string> {
  await page.waitForURL(new RegExp(`#/p/[^/]+/results/${runId}`), { timeout: 180_000 });
  const sentence = page.getByTestId("verdict");
  await sentence.waitFor();
  return ((await sentence.textContent()) ?? "").replace(/\s+/g, " ").trim();
}

/** Takes a run away under Models; gives the paths inside the folder that is zipped. */
export async function exportedNames(page: Page, run: string, format: RegExp): Promise<readonly string[]> {
  await show(page, "models");
  await page.getByRole("button", { name: `Export ${run}`, exact: true }).click();
  const saved = page.waitForEvent("download", { timeout: 60_000 });
  await page
    .getByRole("dialog", { name: `Export ${run}` })
    .getByRole("button", { name: format })
    .click();
  const file = await (await saved).path();
  await page.getByText(/ saved: .*read back/).waitFor();
  const { entries } = openZip(new Uint8Array(readFileSync(file)));
  return [...entries.keys()].map((path) => path.replace(/^[^/]+\//, ""));
}

/** The name that Results gives the run that is open ("Run 3"). */
export async function runName(page: Page): Promise<string> {
  const option = page.getByRole("combobox", { name: "Run" }).locator("option:checked");
  const name = /Run \d+/.exec((await option.textContent()) ?? "")?.[0];
  expect(name).toBeDefined();
  return name!;
}
