import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { findings } from "./axe-findings.ts";
import { faceUrl, openBrowser, openPage } from "./browser.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

const list = (page: Page) => page.getByRole("list", { name: "Questions" });

test("the review queue by keyboard alone: to the flagged ones, decide, edit, move, take back, all at once", async () => {
  const { page, problems } = await openPage(browser);
  await page.goto(faceUrl("better", "#/p/p1/data/questions"));
  await page.getByText("11 flagged questions wait for your decision").waitFor();
  await page.getByRole("button", { name: "Review them" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("11 of 388 questions").waitFor();
  const detail = page.getByRole("article");
  await page
    .getByText("Why it was flagged")
    .or(page.getByRole("region", { name: "Why it was flagged" }))
    .first()
    .waitFor();

  const heading = (): Promise<string> => detail.getByRole("heading", { level: 3 }).innerText();
  const first = await heading();
  await page.keyboard.press("a"); // accepted: leaves the queue, the next one comes up
  await page.getByText("10 of 388 questions").waitFor();
  expect(await heading()).not.toBe(first);
  await page.keyboard.press("x");
  await page.getByText("9 of 388 questions").waitFor();
  await page.keyboard.press("u");
  await page.getByText("10 of 388 questions").waitFor();
  await page.getByText("The last decision was taken back.").waitFor();
  const second = await heading();
  await page.keyboard.press("j");
  await expect.poll(heading).not.toBe(second);
  await page.keyboard.press("k");
  await expect.poll(heading).toBe(second);
  await page.keyboard.press("e");
  await page.getByRole("textbox", { name: "Question" }).fill("Who writes the green book?");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByText("9 of 388 questions").waitFor();
  await page.getByRole("button", { name: "Reject all 9" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("No question matches these filters.").waitFor();
  await page.keyboard.press("u"); // nine at once come back
  await page.getByText("9 of 388 questions").waitFor();
  expect(problems).toEqual([]);
});

test("the letters do nothing once they are switched off in Settings", async () => {
  const { page } = await openPage(browser);
  await page.goto(faceUrl("better", "#/p/p1/data/questions"));
  await list(page).waitFor();
  await page.getByRole("button", { name: "Settings", exact: true }).click();
  await page.getByRole("checkbox", { name: "Single-letter shortcuts" }).uncheck();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("x");
  await page.getByRole("combobox", { name: "Show" }).selectOption("rejected");
  await page.getByText("23 of 388 questions").waitFor(); // as many as before
  expect(await page.getByText("Keys: A accept").count()).toBe(0);
});

test("questions are filtered by flag, file and maker, and the reason stands beside the passage", async () => {
  const { page, problems } = await openPage(browser);
  await page.goto(faceUrl("better", "#/p/p1/data/questions"));
  await page.getByRole("button", { name: /^asked before: / }).click();
  await page.getByText("An earlier question asks this with nearly the same meaning (cosine 0.97).").waitFor();
  await page
    .getByRole("region", { name: "Why it was flagged" })
    .getByText("How do I book raisin days in my 1. month?")
    .waitFor();
  await page.getByRole("combobox", { name: "Flag" }).selectOption("not-found");
  await page.getByText("Hybrid search finds its passage at place 37 only, not among the first 10").waitFor();
  await page.getByRole("combobox", { name: "Written by" }).selectOption("rule");
  await page.getByRole("combobox", { name: "File" }).selectOption("questions.json");
  await page.getByText("No question matches these filters.").waitFor();
  expect(problems).toEqual([]);
});

test("leaks are shown by kind with examples and mended in one click; near-copies become right answers", async () => {
  const { page, problems } = await openPage(browser);
  await page.goto(faceUrl("better", "#/p/p1/data/split"));
  const leaks = page.getByRole("region", { name: "Leaks between training and test" });
  await leaks.getByText("7 test questions of 148 ask about something that training has seen.").waitFor();
  await leaks.getByText("Examples").click();
  await leaks.getByText("64 % of its five-word runs").waitFor();
  await leaks.getByText("What hangs together (2)").click();
  await leaks.getByText(/05-kitchen.md \(test, 22 questions\) with 02-leave.md/).waitFor();
  await leaks.getByRole("button", { name: "Keep them on one side" }).click();
  await leaks.getByText("2 groups kept on one side.").waitFor();
  const ties = page.getByRole("region", { name: "Passages that say the same" });
  await ties.getByRole("slider").fill("0.3");
  await ties.getByText("4 near-copies").waitFor();
  await ties.getByRole("button", { name: "Both are right", exact: true }).first().click();
  await ties.getByText("3 near-copies").waitFor();
  await ties.getByRole("button", { name: "Both are right, for all 3" }).click();
  await ties.waitFor({ state: "detached" });
  expect(problems).toEqual([]);
});

test.each(["light", "dark"] as const)(
  "axe finds nothing in the queue and among leaks, %s",
  async (colorScheme) => {
    for (const viewport of [
      { width: 1280, height: 860 },
      { width: 390, height: 844 },
    ]) {
      const { page } = await openPage(browser, { colorScheme, viewport, reducedMotion: "reduce" });
      await page.goto(faceUrl("better", "#/p/p1/data/questions"));
      await page.getByRole("button", { name: /^asked before: / }).click();
      await page.getByRole("region", { name: "Why it was flagged" }).waitFor();
      expect(await findings(page)).toEqual([]);
      await page.goto(faceUrl("better", "#/p/p1/data/split"));
      await page.getByText("Examples").click();
      await page.getByText("What hangs together (2)").click();
      expect(await findings(page)).toEqual([]);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(over).toBeLessThanOrEqual(0);
      await page.context().close();
    }
  },
);

const ROOMS = ["boiler room", "north store", "print shop", "seed loft", "tool cage", "glass house"];

/** A made-up document whose sections differ enough to be told apart. */
function site(part: number): string {
  const sections = ROOMS.map(
    (room, index) =>
      `## The ${room} of site ${part}\n\nThe ${room} of site ${part} is swept on day ${index + 2}. A ${room} permit ${100 * part + 7 * index} means that one person may carry the key for ${2 + index} hours. Since 20${10 + part} the ${room} has been looked after by warden group ${100 * part + index}, which answers within ${3 + index} days.`,
  );
  return `# Site ${part}\n\n${sections.join("\n\n")}\n`;
}

test("in the real studio: questions written by rules are checked at once, reviewed by keyboard, and leaks looked for", async () => {
  const { page, problems } = await openPage(browser);
  await page.goto(inject("studioUrl"));
  await page.getByRole("button", { name: "Import documents" }).click();
  await page.getByRole("textbox", { name: "Name of the project" }).fill("Sites");
  await page.getByRole("button", { name: "Create the project" }).click();
  await page.getByRole("heading", { level: 1, name: "Data" }).waitFor();
  const files = [1, 2, 3, 4].map((part) => ({
    name: `site-${part}.md`,
    mimeType: "text/markdown",
    buffer: Buffer.from(site(part)),
  }));
  await page.getByLabel("Choose files").first().setInputFiles(files);
  await page.getByText("site-4.md").first().waitFor();
  await page.getByRole("tab", { name: /Questions/ }).click();
  await page.getByRole("button", { name: "Write them" }).click();
  await page.getByText(/questions checked/).waitFor({ timeout: 60_000 });
  await page.getByText(/among the first 10 by words \(BM25\)/).waitFor();
  await list(page).waitFor();
  await page.keyboard.press("x");
  await page.getByRole("combobox", { name: "Show" }).selectOption("rejected");
  await page.getByText(/^1 of \d+ questions$/).waitFor();
  await page.keyboard.press("u");
  await page.getByText(/^0 of \d+ questions$/).waitFor();

  await page.getByRole("tab", { name: "Split" }).click();
  await page.getByRole("button", { name: "Look for leaks" }).click();
  await page
    .getByText(/Nothing of the test was found in training|ask about something that training has seen/)
    .waitFor();
  await page.getByText("Compared by words only: nothing is embedded yet.").waitFor();
  expect(problems).toEqual([]);
});
