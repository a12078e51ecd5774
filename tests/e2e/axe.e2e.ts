import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Scenario } from "../ui/fake-studio.ts";
import { ACTED_STATES } from "./acted-states.ts";
import { LAB_ACTED_STATES, LAB_STATES } from "./lab-states.ts";
import { findings } from "./axe-findings.ts";
import { faceUrl, openBrowser, openPage, trySample } from "./browser.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

const FACES: readonly (readonly [string, Scenario, string, string])[] = [
  ["Home, empty", "empty", "#/", "Try the sample"],
  ["Home", "interrupted", "#/", "Resume"],
  ["Data, sources", "better", "#/p/p1/data/sources", "Choose files"],
  ["Data, chunks", "better", "#/p/p1/data/chunks", "First 12 chunks"],
  ["Data, questions", "better", "#/p/p1/data/questions", "Right passage"],
  ["Data, negatives", "better", "#/p/p1/data/negatives", "Accept all proposed"],
  ["Data, split", "better", "#/p/p1/data/split", "Divide again"],
  ["Train, setup", "better", "#/p/p1/train/setup", "Launches per step"],
  ["Train, running", "running", "#/p/p1/train/run", "Stop and keep best"],
  ["Train, paused", "paused", "#/p/p1/train/run", "Paused."],
  ["Train, failed", "failed", "#/p/p1/train/run", "The loss left the numbers"],
  ["Train, history", "better", "#/p/p1/train/history", "Use its settings"],
  ["Results, better", "better", "#/p/p1/results", "finds the right passage"],
  ["Results, no reliable change", "cannot-tell", "#/p/p1/results", "What to do"],
  ["Results, worse", "worse", "#/p/p1/results", "Keep the base"],
  ["Results, queries", "better", "#/p/p1/results/r1/queries", "Sort by"],
  ["Results, one row", "better", "#/p/p1/results/r1/queries?row=q3", "Right passage"],
  ["Results, config", "better", "#/p/p1/results/r1/config", "job.json"],
  ["Results, what got worse", "better", "#/p/p1/results/r1/changes", "Drop these questions"],
  ["Results, advice", "better", "#/p/p1/results/r1/advice", "When to trust an answer"],
  ["Results, compare", "worse", "#/p/p1/results/r1/compare", "Against each other"],
  ["Results, map", "better", "#/p/p1/results/r1/map", "Colour by"],
  ["Data, router", "better", "#/p/p1/data/router", "Add a choice"],
  ["Playground", "better", "#/p/p1/playground", "From the test questions"],
  ["Models", "better", "#/p/p1/models", "Import what was tuned elsewhere"],
  ["No project", "empty", "#/train", "No project is open"],
];

test("the check itself catches planted faults: a nameless button, text too faint to read", async () => {
  const { page } = await openPage(browser);
  await page.goto(faceUrl("better"));
  await page.getByText("Projects").first().waitFor();
  await page.evaluate(() => {
    const faint = document.createElement("p");
    faint.textContent = "faint";
    faint.style.color = "#ccc";
    document.querySelector("main")!.append(document.createElement("button"), faint);
  });
  const found = (await findings(page)).map((line) => line.split(":")[0]);
  expect(found).toEqual(expect.arrayContaining(["button-name", "color-contrast"]));
});

const THEMES = ["light", "dark"] as const;

/** What axe finds on the page as it stands, in both themes; the page follows the system's. */
async function findingsInBoth(page: Page): Promise<readonly string[]> {
  const found: string[] = [];
  for (const colorScheme of THEMES) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.evaluate(async () => {
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      await Promise.allSettled(document.getAnimations().map(({ finished }) => finished)); // colours fade
    });
    for (const line of await findings(page)) found.push(`${colorScheme}: ${line}`);
  }
  return found;
}

describe("axe finds nothing in either theme", () => {
  test.each(FACES)("on %s", async (_name, scenario, hash, text) => {
    const { page } = await openPage(browser, { reducedMotion: "reduce" });
    await page.goto(faceUrl(scenario, hash));
    await page.getByText(text).first().waitFor();
    expect(await findingsInBoth(page)).toEqual([]);
    await page.context().close();
  });

  test.each(LAB_STATES)("on %s", async (_name, scenario, hash, controls) => {
    const { page } = await openPage(browser, { reducedMotion: "reduce" });
    await page.goto(faceUrl(scenario, hash));
    for (const [role, name] of controls) await page.getByRole(role, { name }).first().waitFor();
    expect(await findingsInBoth(page)).toEqual([]);
    await page.context().close();
  });

  test.each([...ACTED_STATES, ...LAB_ACTED_STATES])(
    "after an act: %s",
    async (_name, scenario, hash, act, controls) => {
      const { page } = await openPage(browser, { reducedMotion: "reduce" });
      await page.goto(faceUrl(scenario, hash));
      await act(page);
      for (const [role, name] of controls) await page.getByRole(role, { name }).first().waitFor();
      expect(await findingsInBoth(page)).toEqual([]);
      await page.context().close();
    },
  );
});

describe.each(THEMES)("in the %s theme axe finds nothing", (colorScheme) => {
  test("in the dialogs, on a phone", async () => {
    const { page } = await openPage(browser, { colorScheme, viewport: { width: 390, height: 844 } });
    await page.goto(faceUrl("better"));
    await page.getByRole("button", { name: "Settings", exact: true }).click();
    await page.getByRole("dialog", { name: "Settings" }).waitFor();
    expect(await findings(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: /requests sent/ }).click();
    await page.getByRole("dialog", { name: "What left this device" }).waitFor();
    expect(await findings(page)).toEqual([]);
    await page.context().close();
  });

  test("on the real studio, with the sample's result", async () => {
    const { page } = await openPage(browser, { colorScheme });
    await page.goto(inject("studioUrl"));
    await page.getByRole("button", { name: "Try the sample" }).waitFor();
    expect(await findings(page)).toEqual([]);
    await trySample(page);
    for (const screen of ["Results", "Data", "Train", "Playground", "Models", "Home"]) {
      await page.getByRole("navigation", { name: "Screens" }).getByRole("link", { name: screen }).click();
      await page.getByRole("heading", { level: 1 }).waitFor();
      expect(await findings(page), screen).toEqual([]);
    }
    await page.context().close();
  });
});
