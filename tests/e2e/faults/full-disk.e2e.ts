import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { incompressibleDataset } from "./incompressible.ts";
import {
  chooseFiles,
  createProject,
  finishSample,
  freshPage,
  openFaultBrowser,
  resumeRun,
  startRun,
  waitForResults,
  waitForSteps,
} from "./studio-actions.ts";
import { keptWeights, storedCounts, storedRecords, storedRun } from "./stored.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openFaultBrowser();
});
afterAll(() => browser.close());

const MEGABYTE = 1e6;
const QUOTA = 45; // MB; the site's own files, kept for offline use, take a part of it
const CONTENT = ["sources", "passages", "questions"];

/** Before the first use of storage: later the browser would keep the old figure for a while. */
async function limitStorage(page: Page, megabytes: number): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Storage.overrideQuotaForOrigin", {
    origin: new URL(inject("studioUrl")).origin,
    quotaSize: megabytes * MEGABYTE,
  });
}

const json = (name: string, megabytes: number) => ({
  ...{ name, mimeType: "application/json" },
  buffer: incompressibleDataset(megabytes),
});

describe("R5: the disk is full", () => {
  test("F7: an import says so and leaves nothing; a run pauses, keeps what was saved, and goes on when there is room", async () => {
    const { context, page } = await freshPage(browser);
    await limitStorage(page, QUOTA);
    const sample = await finishSample(page);
    const [first] = await storedRecords(page, "runs");
    const firstRun = JSON.parse(first!.key) as string;
    const weights = await keptWeights(page, firstRun);

    await createProject(page, "Filler");
    await chooseFiles(page, [json("filler.json", 25)]);
    await page.getByRole("list", { name: "Sources" }).getByText("filler.json").waitFor();
    const before = await storedCounts(page, CONTENT);
    await chooseFiles(page, [json("too-much.json", 16)]);
    const full = page.getByRole("alert", { name: "The browser's storage is full" });
    await full.waitFor();
    expect(await storedCounts(page, CONTENT)).toEqual(before);
    const sources = page.getByRole("list", { name: "Sources" });
    expect(await sources.getByText("too-much.json").count()).toBe(0);
    expect(await storedCounts(page, ["texts", "imports"])).toEqual({ texts: 0, imports: 0 });

    await full.getByRole("button", { name: "Dismiss" }).click();
    await full.waitFor({ state: "detached" });
    await page.goto(page.url().replace(/#.*/, `#/p/${sample}/train/setup`));
    const run = await startRun(page, { recipe: /Two-layer/, hidden: 1024, epochs: 20 });
    await waitForSteps(page, 5);
    await page.getByRole("region", { name: "Run 2" }).getByRole("button", { name: "Pause" }).click();
    await full.waitFor({ timeout: 60_000 });
    const paused = await storedRun(page, run);
    expect(paused.state).toBe("paused");
    expect(paused.error?.code).toBe("storage-full");
    expect(await keptWeights(page, firstRun)).toEqual(weights);

    await page.goto(page.url().replace(/#.*/, "#/"));
    await page.getByRole("button", { name: "Remove Filler" }).click();
    await page
      .getByRole("dialog")
      .getByRole("button", { name: /Remove/ })
      .click();
    await page.getByRole("button", { name: "Remove Filler" }).waitFor({ state: "detached" });
    await page.goto(page.url().replace(/#.*/, `#/p/${sample}/train/run/${run}`));
    await resumeRun(page);
    await waitForResults(page, run);
    const done = await storedRun(page, run);
    expect(done.state).toBe("finished");
    expect(done.error).toBeUndefined();
    expect(await keptWeights(page, firstRun)).toEqual(weights);
    await context.close();
  });
});
