import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chooseFiles, createProject, freshPage, openFaultBrowser } from "./studio-actions.ts";
import { storedCounts } from "./stored.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openFaultBrowser();
});
afterAll(() => browser.close());

const CONTENT = ["sources", "passages", "questions"];
const ROWS = 4_000;

function largeDataset(): Buffer {
  const rows = Array.from({ length: ROWS }, (_, row) => row);
  const text = "A sentence that is long enough to stand for one of a page. ".repeat(8);
  const corpus = Object.fromEntries(rows.map((row) => [`p${row}`, `Row ${row}. ${text}`]));
  const queries = Object.fromEntries(rows.map((row) => [`q${row}`, `What does row ${row} say?`]));
  const relevant = Object.fromEntries(rows.map((row) => [`q${row}`, [`p${row}`]]));
  return Buffer.from(JSON.stringify({ queries, corpus, relevant_docs: relevant, mode: "text" }));
}

/** Holds the data worker at its `count`th write to a store; resolves when it stands there. */
async function holdAtWrite(page: Page, store: string, count: number): Promise<void> {
  const worker = page.workers().find((candidate) => candidate.url().includes("data.worker"));
  if (!worker) throw new Error("the data worker does not run");
  const reached = page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        new BroadcastChannel("fault").onmessage = () => resolve();
      }),
  );
  await worker.evaluate(
    ([name, nth]) => {
      let writes = 0;
      IDBObjectStore.prototype.put = new Proxy(Reflect.get(IDBObjectStore.prototype, "put"), {
        apply(put, store: IDBObjectStore, row: [unknown]) {
          if (store.name === name && ++writes === nth) {
            new BroadcastChannel("fault").postMessage("held");
            const until = performance.now() + 5_000;
            while (performance.now() < until);
          }
          return Reflect.apply(put, store, row);
        },
      });
    },
    [store, count] as const,
  );
  const file = { name: "large.json", mimeType: "application/json", buffer: largeDataset() };
  await chooseFiles(page, [file]);
  await reached;
}

describe("R14: imports are all or nothing", () => {
  test("F17: a reload between two writes of an import leaves no row of it, and the next import is whole", async () => {
    const { context, page } = await freshPage(browser);
    await createProject(page, "Cut");
    await page.getByText("Nothing here yet.").waitFor();
    for (const [store, count] of [
      ["passages", 3],
      ["questions", 4],
    ] as const) {
      await holdAtWrite(page, store, count);
      await page.reload();
      await page.getByText("Nothing here yet.").waitFor();
      expect(await storedCounts(page, CONTENT)).toEqual({ sources: 0, passages: 0, questions: 0 });
    }
    const file = { name: "large.json", mimeType: "application/json", buffer: largeDataset() };
    await chooseFiles(page, [file]);
    await page.getByText("1 source, 4,000 passages, 4,000 questions").waitFor({ timeout: 60_000 });
    expect(await storedCounts(page, CONTENT)).toEqual({ sources: 1, passages: 4, questions: 4 });
    await context.close();
  });
});
