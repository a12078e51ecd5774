import { readFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { digestOf, hexadecimal } from "../../src/app/storage/digest.ts";
import { readNpy } from "../../src/domain/formats/npy.ts";
import { rowOf } from "../../src/domain/matrix.ts";
import { expectClose } from "../close.ts";
import { openBrowser, openPage } from "./browser.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

interface CachedVectors {
  readonly space: string;
  readonly rows: readonly { readonly digest: string; readonly vector: readonly number[] }[];
}

/** All cached vectors, straight from the database of the page. */
function cachedVectors(page: Page): Promise<readonly CachedVectors[]> {
  return page.evaluate(async () => {
    const database = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open("retune");
      request.onsuccess = () => resolve(request.result);
    });
    const all = <Row>(store: string): Promise<Row[]> =>
      new Promise((resolve) => {
        const request = database.transaction(store).objectStore(store).getAll();
        request.onsuccess = () => resolve(request.result as Row[]);
      });
    interface Keys {
      readonly block: string;
      readonly space: string;
      readonly dimension: number;
      readonly hashes: Uint8Array;
    }
    const blocks = await all<{ block: string; values: Float32Array }>("vectorBlocks");
    const keys = await all<Keys>("vectorKeys");
    database.close();
    const hex = (bytes: Uint8Array): string =>
      Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return keys.map(({ block, space, dimension, hashes }) => {
      const { values } = blocks.find((each) => each.block === block)!;
      const rows = Array.from({ length: hashes.length / 32 }, (_, row) => ({
        digest: hex(hashes.subarray(row * 32, row * 32 + 32)),
        vector: Array.from(values.subarray(row * dimension, (row + 1) * dimension)),
      }));
      return { space, rows };
    });
  });
}

test("the embed worker gives the vectors that Python's onnxruntime gives, with and without the instruction", async () => {
  const texts = JSON.parse(readFileSync("tests/fixtures/encoder/texts.json", "utf8")) as string[];
  const want = readNpy(readFileSync("tests/fixtures/encoder/vectors.npy"));
  const passages = texts.map((text, index) => [`p${index}`, text] as const);
  const dataset = {
    queries: { q1: "Who counts the trays?" },
    corpus: Object.fromEntries(passages),
    relevant_docs: { q1: ["p2"] },
    mode: "text",
  };
  const { page, problems } = await openPage(browser);
  await page.goto(inject("studioUrl"));
  await page.getByRole("button", { name: "Import documents" }).click();
  await page.getByRole("textbox", { name: "Name of the project" }).fill("Texts");
  await page.getByRole("button", { name: "Create the project" }).click();
  await page.getByRole("heading", { level: 1, name: "Data" }).waitFor();
  const json = {
    name: "texts.json",
    mimeType: "application/json",
    buffer: Buffer.from(JSON.stringify(dataset)),
  };
  await page.locator("input[type=file]:not([webkitdirectory])").first().setInputFiles(json);
  await page.getByRole("button", { name: "Embed the rest now" }).click();
  const wanted = texts.length + 2; // the question plain and after its instruction
  await expect
    .poll(async () => (await cachedVectors(page)).flatMap(({ rows }) => rows).length, { timeout: 120_000 })
    .toBe(wanted);

  const spaces = await cachedVectors(page);
  const plain = spaces.filter(({ space }) => space.endsWith("\n")).flatMap(({ rows }) => rows);
  const found = new Map(plain.map(({ digest, vector }) => [digest, vector]));
  for (const [row, text] of texts.entries()) {
    const vector = found.get(hexadecimal(digestOf(text)));
    expectClose(vector ?? [], rowOf(want, row), { absolute: 1e-4 }, text.slice(0, 40));
  }
  const instructed = spaces.filter(({ space }) => space.endsWith("passages: "));
  expect(instructed.flatMap(({ rows }) => rows)).toHaveLength(1);
  expect(problems).toEqual([]);
  await page.context().close();
});
