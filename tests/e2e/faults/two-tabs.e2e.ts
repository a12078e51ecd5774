import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  finishSample,
  freshPage,
  openFaultBrowser,
  resumeRun,
  startRun,
  waitForResults,
  waitForSteps,
} from "./studio-actions.ts";
import { keptWeights } from "./stored.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openFaultBrowser();
});
afterAll(() => browser.close());

describe("R13: one run, one owner", () => {
  test("F11: a second tab only watches, and takes the run over when its owner is closed", async () => {
    const { context, page: owner } = await freshPage(browser);
    await finishSample(owner);
    const epochs = 200;
    const whole = await startRun(owner, { epochs });
    await waitForResults(owner, whole);
    const expected = await keptWeights(owner, whole);

    const run = await startRun(owner, { epochs });
    await waitForSteps(owner, 100);
    const second = await context.newPage();
    await second.goto(owner.url());
    const card = second.getByRole("region", { name: "Run 3" });
    await card.getByText("Another tab trains this run.").waitFor();
    await waitForSteps(second, 200); // it moves here as well
    for (const name of ["Pause", "Resume", "Stop and keep best", "Discard"]) {
      expect(await card.getByRole("button", { name }).count(), name).toBe(0);
    }
    await owner.close();
    await card.getByText(/This run stopped at step/).waitFor();
    expect(await card.getByText("Another tab trains this run.").count()).toBe(0);
    await resumeRun(second);
    await waitForResults(second, run);
    expect(await keptWeights(second, run)).toEqual(expected);
    await context.close();
  });

  test("a run that ends in one tab is told once to the others, not for ever", async () => {
    const { context, page: owner } = await freshPage(browser);
    await finishSample(owner);
    const watcher = await context.newPage();
    await watcher.goto(owner.url().replace(/#.*/, "#/"));
    await watcher.getByRole("button", { name: "Open the sample's results" }).waitFor();
    await watcher.evaluate(() => {
      const heard = { count: 0 };
      Object.assign(globalThis, { heard });
      new BroadcastChannel("retune-runs").onmessage = () => {
        heard.count += 1;
      };
    });
    const run = await startRun(owner, { epochs: 1 });
    await waitForResults(owner, run);
    const heard = (): Promise<number> =>
      watcher.evaluate(() => (globalThis as unknown as { heard: { count: number } }).heard.count);
    await expect.poll(heard).toBeGreaterThan(0);
    await watcher.waitForTimeout(1_000); // what is on its way arrives
    const settled = await heard();
    await watcher.waitForTimeout(1_000);
    expect(await heard()).toBe(settled);
    await context.close();
  });
});
