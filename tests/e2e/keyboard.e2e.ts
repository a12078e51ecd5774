import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { expectVerdict, faceUrl, openBrowser, openPage } from "./browser.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

/** Presses Tab until the control with this name has the focus. */
async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let presses = 0; presses < 80; presses += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const element = document.activeElement;
      return element?.getAttribute("aria-label") ?? element?.textContent?.trim() ?? "";
    });
    if (name.test(focused)) return;
  }
  throw new Error(`no control named ${name} came into focus within 80 presses of Tab`);
}

const heading = (page: Page, name: string): Promise<void> =>
  page.getByRole("heading", { level: 1, name }).waitFor();

test("the keyboard alone goes from a fresh page to the verdict, a search and an export", async () => {
  const { page, problems } = await openPage(browser);
  await page.goto(inject("studioUrl"));
  await page.getByRole("button", { name: "Try the sample" }).waitFor();
  await tabTo(page, /^Try the sample$/);
  await page.keyboard.press("Enter");
  await expectVerdict(page);

  await page.keyboard.press("g");
  await page.keyboard.press("p");
  await heading(page, "Playground");
  await tabTo(page, /^Ask your documents$/);
  await page.keyboard.type("How do I take a day off?");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: /^Tuned \(run 1\)/ }).waitFor();
  await tabTo(page, /^Search$/);

  await page.keyboard.press("g");
  await page.keyboard.press("m");
  await heading(page, "Models");
  await tabTo(page, /^Export/);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await tabTo(page, /^LlamaIndex/);
  const saved = page.waitForEvent("download");
  await page.keyboard.press("Enter");
  expect((await saved).suggestedFilename()).not.toBe("");
  expect(problems).toEqual([]);
});

test("g and a letter reach every screen, ? shows the keys, and both can be switched off", async () => {
  const { page, problems } = await openPage(browser);
  await page.goto(faceUrl("better", "#/p/p1/data"));
  await heading(page, "Data");
  for (const [key, name] of [
    ["t", "Train"],
    ["r", "Results"],
    ["p", "Playground"],
    ["m", "Models"],
    ["d", "Data"],
    ["h", "Make search understand your documents."],
  ] as const) {
    await page.keyboard.press("g");
    await page.keyboard.press(key);
    await heading(page, name);
  }
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });

  await page.getByRole("button", { name: "Settings", exact: true }).click();
  await page.getByRole("checkbox", { name: "Single-letter shortcuts" }).uncheck();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("?");
  await page.keyboard.press("g");
  await page.keyboard.press("d");
  expect(await page.getByRole("dialog").count()).toBe(0);
  expect(await page.getByRole("heading", { level: 1 }).textContent()).toContain("Make search");
  expect(problems).toEqual([]);
});

test("questions are reviewed without a mouse: accept, reject, edit, undo, next, previous", async () => {
  const { page, problems } = await openPage(browser);
  await page.goto(faceUrl("better", "#/p/p1/data/questions"));
  const rows = page.getByRole("list", { name: "Questions" }).getByRole("listitem");
  await rows.first().waitFor();
  await page.keyboard.press("x");
  await rows.nth(0).getByText("rejected").waitFor();
  expect(await rows.nth(1).getByRole("button").getAttribute("aria-current")).toBe("true");
  await page.keyboard.press("u");
  await rows.nth(0).getByText("accepted").waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  await page.keyboard.press("e");
  await page.getByRole("textbox", { name: "Question" }).fill("Who signs for a day off?");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await rows.nth(1).getByText("Who signs for a day off?").waitFor();
  expect(problems).toEqual([]);
});

test("Space pauses and resumes the running job, Ctrl+Enter starts one", async () => {
  const { page, problems } = await openPage(browser);
  await page.goto(faceUrl("sample", "#/p/p1/train/setup"));
  await page.getByText("Launches per step").waitFor();
  await page.keyboard.press("Control+Enter");
  await page.getByRole("heading", { name: "Run 1" }).waitFor();
  await page.keyboard.press(" ");
  await page.getByRole("button", { name: "Resume" }).first().waitFor();
  await page.keyboard.press(" ");
  await page.getByRole("button", { name: "Pause" }).first().waitFor();
  expect(problems).toEqual([]);
});
