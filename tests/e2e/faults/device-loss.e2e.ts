import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  chooseDevice,
  finishSample,
  freshPage,
  openFaultBrowser,
  startRun,
  waitForResults,
  waitForSteps,
} from "./studio-actions.ts";
import { keptWeights, storedRun } from "./stored.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openFaultBrowser();
});
afterAll(() => browser.close());

describe("R6: the GPU goes away", () => {
  test("F10: a run on WebGPU goes on by itself after its GPU process crashed, to the same weights", async () => {
    const { context, page } = await freshPage(browser);
    await finishSample(page);
    await chooseDevice(page, "GPU (WebGPU)");
    const epochs = 6;
    const whole = await startRun(page, { epochs });
    await waitForResults(page, whole);

    const struck = await startRun(page, { epochs });
    const devtools = await browser.newBrowserCDPSession();
    await waitForSteps(page, 30);
    await devtools.send("Browser.crashGpuProcess").catch(() => undefined); // it answers no more
    await waitForResults(page, struck);

    const [before, after] = [await storedRun(page, whole), await storedRun(page, struck)];
    expect(before.backend).toMatch(/swiftshader/i);
    expect(before.notes.filter((note) => /checkpoint/.test(note))).toEqual([]);
    expect(after.state).toBe("finished");
    expect(after.notes.join("\n")).toMatch(/lost.*Going on from the last checkpoint \(try 1 of 3\)/s);
    expect(after.losses).toEqual(before.losses);
    expect(await keptWeights(page, struck)).toEqual(await keptWeights(page, whole));
    await context.close();
  });
});
