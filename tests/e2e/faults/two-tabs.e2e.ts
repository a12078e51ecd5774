import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  finishSample,
  freshPage,
  openFaultBrowser,
  resumeRun,
  startRun,
  waitForSteps,
} from "./studio-actions.ts";
import { storedRun } from "./stored.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openFaultBrowser();
});
afterAll(() => browser.close());

/** Counts what the tabs tell each other; gives a function that answers the number so far. */
async function countTold(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    const told = { count: 0 };
    Object.assign(globalThis, { told });
    new BroadcastChannel("retune-runs").onmessage = () => {
      told.count += 1;
    };
  });
  return () => page.evaluate(() => (globalThis as unknown as { told: { count: number } }).told.count);
}

describe("R13: one run, one owner", () => {
  test("F11: a second tab only watches, takes over when the owner is closed, and tells the end once", async () => {
    const { context, page: owner } = await freshPage(browser);
    await finishSample(owner);
    const run = await startRun(owner, { recipe: /Two-layer/, epochs: 500 });
    await waitForSteps(owner, 20);
    const second = await context.newPage();
    await second.goto(owner.url());
    const card = second.getByRole("region", { name: "Run 2" });
    await card.getByText("Another tab trains this run.").waitFor();
    await waitForSteps(second, 60); // it moves here as well
    for (const name of ["Pause", "Resume", "Stop and keep best", "Discard"]) {
      expect(await card.getByRole("button", { name }).count(), name).toBe(0);
    }

    // The stop is told by its last checkpoint: there must be one, however quick the machine is.
    await expect
      .poll(async () => (await storedRun(second, run)).progress.done, { timeout: 60_000 })
      .toBeGreaterThan(0);
    await owner.close();
    await card.getByText(/This run stopped at step/).waitFor();
    expect(await card.getByText("Another tab trains this run.").count()).toBe(0);
    const { done } = (await storedRun(second, run)).progress;
    await resumeRun(second);
    await waitForSteps(second, done + 20);

    const third = await context.newPage();
    await third.goto(second.url());
    await third.getByText("Another tab trains this run.").waitFor();
    const told = await countTold(third);
    await second.getByRole("button", { name: "Stop and keep best" }).click();
    await third.waitForURL(new RegExp(`/results/${run}`), { timeout: 60_000 });
    await third.waitForTimeout(1_000); // what is on its way arrives
    const settled = await told();
    expect(settled).toBeGreaterThan(0);
    await third.waitForTimeout(1_000);
    expect(await told()).toBe(settled);
    const ended = await storedRun(second, run);
    expect(ended.state).toBe("stopped");
    expect(ended.losses.length).toBeGreaterThanOrEqual(done + 20);
    await context.close();
  });
});
