import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { expect, inject } from "vitest";
import { chromiumPath } from "../../../scripts/gpu-environment.mjs";
import { CHROMIUM_FLAGS } from "../browser.ts";

// What a person does with the built studio before and after a fault, by role and name.

/** A browser whose GPU process may be crashed as often as a test likes. */
export function openFaultBrowser(): Promise<Browser> {
  const executablePath = chromiumPath();
  if (!executablePath) throw new Error("no Chromium was found: install it or set CHROMIUM to its path");
  return chromium.launch({
    executablePath,
    args: [...CHROMIUM_FLAGS, "--disable-gpu-process-crash-limit"],
  });
}

/** The sample with its finished run 1; gives the project's id. */
export async function finishSample(page: Page, url = inject("studioUrl")): Promise<string> {
  await page.goto(url);
  await page.getByRole("button", { name: "Try the sample" }).click();
  await waitForReport(page);
  return projectOf(page);
}

export function projectOf(page: Page): string {
  const project = /#\/p\/([^/?]+)/.exec(page.url())?.[1];
  if (project === undefined) throw new Error(`no project in ${page.url()}`);
  return project;
}

export interface RunWish {
  readonly recipe?: RegExp; // the linear one where absent
  readonly hidden?: number;
  readonly epochs: number;
}

/** Starts a run in compatible mode, whose steps are the same on every machine; gives the run's id. */
export async function startRun(page: Page, { recipe, hidden, epochs }: RunWish): Promise<string> {
  await page.goto(`${page.url().replace(/#.*/, "")}#/p/${projectOf(page)}/train/setup`);
  if (recipe) await page.getByRole("radio", { name: recipe }).check();
  await page.getByRole("radio", { name: /Compatible with LlamaIndex/ }).check();
  if (hidden !== undefined) await page.getByLabel("Hidden width").fill(String(hidden));
  await page.getByText("Advanced", { exact: false }).first().click();
  await page.getByLabel("Epochs").fill(String(epochs));
  await page.getByRole("button", { name: "Start training" }).click();
  await page.waitForURL(/\/train\/run\//);
  return runOf(page);
}

export function runOf(page: Page): string {
  const run = /\/train\/run\/([^/?]+)/.exec(page.url())?.[1];
  if (run === undefined) throw new Error(`no run in ${page.url()}`);
  return run;
}

/** Waits until the run has made `steps` steps. */
export async function waitForSteps(page: Page, steps: number): Promise<void> {
  await expect
    .poll(
      async () =>
        stepOf(
          await page
            .getByText(/step [\d,.\s]+ of/)
            .first()
            .textContent(),
        ),
      {
        timeout: 60_000,
        interval: 50,
      },
    )
    .toBeGreaterThanOrEqual(steps);
}

function stepOf(text: string | null): number {
  return Number((/step ([\d,.\s]+) of/.exec(text ?? "")?.[1] ?? "0").replace(/\D/g, ""));
}

export async function pauseRun(page: Page): Promise<void> {
  await page
    .getByRole("region", { name: /^Run \d/ })
    .getByRole("button", { name: "Pause" })
    .click();
  await page.getByText("Paused. The numbers below are frozen").waitFor();
}

export async function resumeRun(page: Page): Promise<void> {
  await page
    .getByRole("region", { name: /^Run \d/ })
    .getByRole("button", { name: "Resume" })
    .click();
}

/** Waits for the run that is watched to end, which leads to its results. */
export async function waitForResults(page: Page, runId: string): Promise<void> {
  await page.waitForURL(new RegExp(`#/p/[^/]+/results/${runId}`), { timeout: 120_000 });
  await waitForReport(page);
}

/** A new, empty project, open on its sources. */
export async function createProject(page: Page, name: string, url = inject("studioUrl")): Promise<string> {
  await page.goto(`${url.replace(/#.*/, "")}#/`);
  await page.getByRole("button", { name: "Import documents" }).click();
  await page.getByLabel("Name of the project").fill(name);
  await page.getByRole("button", { name: "Create the project" }).click();
  await page.waitForURL(/#\/p\/[^/]+\/data/);
  return projectOf(page);
}

export interface GivenFile {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

/** Adds files under Sources, as if they were chosen. */
export async function chooseFiles(page: Page, files: readonly GivenFile[]): Promise<void> {
  await page
    .locator("main")
    .getByLabel("Choose files", { exact: true })
    .and(page.locator("input"))
    .setInputFiles([...files]);
}

/** The report stands there: only then has the page done all the moving it does by itself. */
async function waitForReport(page: Page): Promise<void> {
  await page.getByRole("heading", { level: 1, name: "Results" }).waitFor({ timeout: 120_000 });
  await page
    .getByText(/finds the right passage in the top 5/)
    .first()
    .waitFor();
}

/** Picks the device in Settings. */
export async function chooseDevice(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: "Settings" }).click();
  const choice = page.getByRole("dialog").getByRole("radio", { name });
  await expect.poll(() => choice.isEnabled(), { timeout: 30_000 }).toBe(true);
  await choice.check();
  await page.keyboard.press("Escape");
}

/** A context of its own with a page in it: its storage is empty and nobody else's. */
export async function freshPage(browser: Browser): Promise<{ context: BrowserContext; page: Page }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  return { context, page: await context.newPage() };
}
