import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Scenario } from "../ui/fake-studio.ts";
import { ACTED_STATES, ROOM_SCREENS } from "./acted-states.ts";
import { faceUrl, openBrowser, openPage } from "./browser.ts";
import { LAB_ACTED_STATES, LAB_STATES } from "./lab-states.ts";
import { STATES, type Control } from "./states.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

/** Opens a face and expects each control to be there by role and name; nothing may go wrong on the way. */
async function expectControls(scenario: Scenario, hash: string, controls: readonly Control[]): Promise<void> {
  const { page, problems } = await openPage(browser);
  await page.goto(faceUrl(scenario, hash));
  for (const [role, name] of controls) await page.getByRole(role, { name }).first().waitFor();
  expect(problems).toEqual([]);
  await page.context().close();
}

describe("every screen and state is there by role and name", () => {
  test.each([...STATES, ...LAB_STATES])("%s", (_name, scenario, hash, controls) =>
    expectControls(scenario, hash, controls),
  );
});

const over = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - innerWidth);

test.each([...ACTED_STATES, ...LAB_ACTED_STATES])(
  "%s: is there, and fits a phone",
  async (_name, scenario, hash, act, controls) => {
    const { page, problems } = await openPage(browser, { viewport: { width: 390, height: 844 } });
    await page.goto(faceUrl(scenario, hash));
    await act(page);
    for (const [role, name] of controls) await page.getByRole(role, { name }).first().waitFor();
    expect(await over(page)).toBeLessThanOrEqual(0);
    expect(problems).toEqual([]);
    await page.context().close();
  },
);

test("another tab's run can be watched but not controlled", async () => {
  const { page } = await openPage(browser);
  await page.goto(faceUrl("elsewhere", "#/p/p1/train/run"));
  await page.getByText("Another tab trains this run.").waitFor();
  const region = page.getByRole("region", { name: "Run 1" });
  expect(await region.getByRole("button").count()).toBe(0);
});

test("a run is paused, resumed, stopped and discarded, and says so in the strip", async () => {
  const { page, problems } = await openPage(browser);
  await page.goto(faceUrl("running", "#/p/p1/train/run"));
  const region = page.getByRole("region", { name: "Run 1" });
  await region.getByRole("button", { name: "Pause" }).click();
  await page.getByText("Paused. The numbers below are frozen").waitFor();
  await page.getByRole("region", { name: "Status" }).getByRole("button", { name: "Resume" }).click();
  await region.getByRole("button", { name: "Pause" }).waitFor();
  await region.getByRole("button", { name: "Stop and keep best" }).click();
  await page.getByRole("heading", { level: 1, name: "Results" }).waitFor();
  await page.goto(faceUrl("running", "#/p/p1/train/run"));
  await region.getByRole("button", { name: "Discard" }).click();
  await page.getByRole("dialog", { name: "Discard run 1?" }).getByRole("button", { name: "Discard" }).click();
  await page.getByRole("heading", { name: "No runs yet" }).waitFor();
  expect(problems).toEqual([]);
});

test("a bad file is named with its place while the others are read", async () => {
  const { page } = await openPage(browser);
  await page.goto(faceUrl("better", "#/p/p1/data/sources"));
  await page
    .getByLabel("Choose files")
    .first()
    .setInputFiles([
      { name: "good.md", mimeType: "text/markdown", buffer: Buffer.from("# Leave\n") },
      { name: "bad.json", mimeType: "application/json", buffer: Buffer.from("{") },
    ]);
  await page.getByText("The JSON is broken.").waitFor();
  await page.getByText("(bad.json, line 3, column 7)").waitFor();
  await page.getByText("Markdown, 4 passages").waitFor();
});

test("the row of a question has an address that opens it again", async () => {
  const { page } = await openPage(browser);
  await page.goto(faceUrl("better", "#/p/p1/results/r1/queries"));
  await page.getByRole("combobox", { name: "Filter" }).selectOption("lost");
  await page.getByRole("list", { name: "Questions" }).getByRole("button").first().click();
  const title = await page.getByRole("dialog").getByRole("heading").first().textContent();
  await page.reload();
  await page.getByRole("dialog").getByRole("heading", { name: title! }).waitFor();
});

const OPEN_SCREENS: readonly string[] = [
  "#/",
  "#/p/p1/data",
  "#/p/p1/data/questions",
  "#/p/p1/train/setup",
  "#/p/p1/train/history",
  "#/p/p1/results",
  "#/p/p1/results/r1/queries",
  "#/p/p1/playground",
  "#/p/p1/models",
];

/** What other tasks than adapters show: their set-up, results, lists and places to try them. */
const TUNED_SCREENS: readonly (readonly [Scenario, string])[] = [
  ["worse", "#/p/p1/train/setup"], // a ladder that ended
  ["worse", "#/p/p1/results/r1/compare"], // two runs
  ["better", "#/p/p1/train/setup?task=lora"],
  ["better", "#/p/p1/train/setup?task=router"],
  ["tuning", "#/p/p1/train/run"],
  ...(["re-ranker", "router"] as const).flatMap((scenario) =>
    ["results", "train/run", "train/history", "playground", "models"].map(
      (screen) => [scenario, `#/p/p1/${screen}`] as const,
    ),
  ),
];

const WIDTHS = [1280, 390, 640, 860, 1920];

/** How far the page is wider than its window at each width; what measures itself gets its turn before. */
async function overAt(page: Page, width: number): Promise<number> {
  await page.setViewportSize({ width, height: 900 });
  await page.evaluate(
    () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
  );
  return over(page);
}

test("nothing runs off the side at any width", async () => {
  const { page } = await openPage(browser);
  for (const [scenario, hash] of [
    ...OPEN_SCREENS.map((hash) => ["cannot-tell", hash] as const),
    ...ROOM_SCREENS.map((hash) => ["better", hash] as const),
    ...TUNED_SCREENS,
  ]) {
    await page.goto("about:blank");
    await page.goto(faceUrl(scenario, hash));
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.waitForLoadState("networkidle");
    for (const width of WIDTHS) {
      expect(await overAt(page, width), `${scenario} ${hash} at ${width} px`).toBeLessThanOrEqual(0);
    }
  }
  await page.context().close();
});

test("the theme can be set against the system's", async () => {
  const { page } = await openPage(browser, { colorScheme: "light" });
  await page.goto(faceUrl("better"));
  const ground = (): Promise<string> =>
    page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await ground();
  await page.getByRole("button", { name: "Settings", exact: true }).click();
  await page.getByRole("radio", { name: "Dark" }).check();
  expect(await ground()).not.toBe(light);
  await page.reload();
  expect(await ground()).not.toBe(light);
});
