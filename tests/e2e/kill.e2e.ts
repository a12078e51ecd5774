import { afterEach, beforeAll, expect, test } from "vitest";
import {
  KillableBrowser,
  checkpointsSaved,
  killPart,
  outcomeOf,
  startSample,
  type RunOutcome,
} from "./kill-harness.ts";

// Three kills, one of each kind; kill.long.e2e.ts does twenty at random moments.
let browser: KillableBrowser;
let whole: RunOutcome;

beforeAll(async () => {
  browser = new KillableBrowser();
  const page = await browser.open();
  await startSample(page);
  whole = await outcomeOf(page);
  await browser.close();
});

afterEach(() => browser.close());

test("the run without a break ends with an adapter", () => {
  expect(whole.state).toBe("finished");
  expect(whole.digests).toHaveLength(1);
  expect(whole.losses.length).toBeGreaterThan(20);
});

test.each(["worker", "tab", "browser"] as const)(
  "the %s killed after its first checkpoint, the run ends with the same bits",
  async (kind) => {
    browser = new KillableBrowser();
    const page = await browser.open();
    await startSample(page);
    await checkpointsSaved(page, 1);
    const next = await killPart(browser, page, kind);
    expect(await outcomeOf(next)).toEqual(whole);
  },
);
