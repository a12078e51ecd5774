import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  finishSample,
  freshPage,
  openFaultBrowser,
  pauseRun,
  resumeRun,
  startRun,
  waitForResults,
  waitForSteps,
} from "./studio-actions.ts";
import { keptWeights, storedRecords, storedRun } from "./stored.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openFaultBrowser();
});
afterAll(() => browser.close());

/** Flips one byte in the middle of the first chunk of a run's newest checkpoint; gives its sequence number. */
function flipOneByte(page: Page, runId: string): Promise<number> {
  return page.evaluate(async (key) => {
    const answer = <Value>(request: IDBRequest<Value>): Promise<Value> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error!);
      });
    const database = await answer(indexedDB.open("retune"));
    const transaction = database.transaction("chunks", "readwrite");
    const store = transaction.objectStore("chunks");
    const all = await answer(store.getAll(IDBKeyRange.bound([key], [key, []])));
    const chunks = all as { readonly sequence: number; readonly bytes: Uint8Array }[];
    const newest = Math.max(...chunks.map(({ sequence }) => sequence));
    const struck = chunks.find(({ sequence }) => sequence === newest)!;
    const middle = struck.bytes.length >> 1;
    struck.bytes[middle] = struck.bytes[middle]! ^ 1;
    const done = new Promise((resolve) => transaction.addEventListener("complete", resolve));
    store.put(struck);
    await done;
    database.close();
    return newest;
  }, runId);
}

describe("R3, R4: a damaged checkpoint", () => {
  test("F12: one flipped byte is refused by name, and the checkpoint before it leads to the same weights", async () => {
    const { context, page } = await freshPage(browser);
    await finishSample(page);
    const epochs = 150;
    const whole = await startRun(page, { epochs });
    await waitForResults(page, whole);

    const struck = await startRun(page, { epochs });
    await waitForSteps(page, 40);
    await pauseRun(page);
    const { progress } = await storedRun(page, struck);
    await resumeRun(page);
    await waitForSteps(page, progress.done + 100);
    await pauseRun(page);
    expect((await storedRecords(page, "manifests", struck)).length).toBe(2);
    const damaged = await flipOneByte(page, struck);
    await resumeRun(page);
    await waitForResults(page, struck);

    const { state, notes } = await storedRun(page, struck);
    expect(state).toBe("finished");
    expect(notes.join("\n")).toMatch(
      new RegExp(
        `Checkpoint ${damaged}, part 1 of \\d+ of .+ is damaged\\. The checkpoint before it is used`,
      ),
    );
    expect(await keptWeights(page, struck)).toEqual(await keptWeights(page, whole));
    await context.close();
  });
});
