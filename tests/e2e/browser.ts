import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { expect, inject } from "vitest";
import { chromiumPath } from "../../scripts/gpu-environment.mjs";
import type { Scenario } from "../ui/fake-studio.ts";

// WebGPU on SwiftShader, so that the same tests run on a machine without a GPU (design.md §7).
export const CHROMIUM_FLAGS: readonly string[] = [
  "--no-sandbox",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-features=Vulkan",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

/** The system's Chromium; where there is none, the test fails with a line that says so. */
export function openBrowser(): Promise<Browser> {
  const executablePath = chromiumPath();
  if (!executablePath) throw new Error("no Chromium was found: install it or set CHROMIUM to its path");
  return chromium.launch({ executablePath, args: [...CHROMIUM_FLAGS] });
}

export interface WatchedPage {
  readonly page: Page;
  readonly problems: readonly string[]; // uncaught errors and policy violations of the page
}

// The preview has no service worker; its registration fails, as it does on any host without one.
const HARMLESS = /bad HTTP response code \(404\) was received when fetching the script/;

/** A page in a fresh profile whose uncaught errors and policy violations are kept. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    const text = message.text();
    if (message.type() === "error" && !HARMLESS.test(text)) problems.push(text);
  });
  return { page, problems };
}

/** The address of the face over made-up data. */
export function faceUrl(scenario: Scenario, hash = "#/"): string {
  return `${inject("facesUrl")}/preview.html?scenario=${scenario}${hash}`;
}

/** Opens the sample on the real page and waits for the verdict; gives the seconds it took. */
export async function trySample(page: Page): Promise<number> {
  await page.goto(inject("studioUrl"));
  const started = Date.now();
  await page.getByRole("button", { name: "Try the sample" }).click();
  await expectVerdict(page);
  return (Date.now() - started) / 1000;
}

export const VERDICT =
  /^Tuned finds the right passage in the top 5 for \d+\s% of \d+ unseen questions; base \d+\s% \([+−]?[\d.]+ points, 95 % CI [+−]?[\d.]+…[+−]?[\d.]+\)\.$/;

/** Results is open and says a whole verdict sentence. */
export async function expectVerdict(page: Page): Promise<void> {
  await page.getByRole("heading", { level: 1, name: "Results" }).waitFor({ timeout: 120_000 });
  const sentence = page.getByText(/finds the right passage in the top 5/).first();
  await sentence.waitFor({ timeout: 30_000 });
  expect(((await sentence.textContent()) ?? "").replace(/\s+/g, " ").trim()).toMatch(VERDICT);
}
