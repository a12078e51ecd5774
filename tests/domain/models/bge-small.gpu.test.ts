import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readNpy } from "../../../src/domain/formats/npy.ts";
import { rowOf } from "../../../src/domain/matrix.ts";
import { openTextEmbedder } from "../../../src/domain/models/embed-texts.ts";
import type { Backend } from "../../../src/engine/backend.ts";
import { expectClose } from "../../close.ts";
import { openDawn } from "../../engine/dawn.ts";
import { bgeSmall } from "./model-folders.ts";

const FIXTURE = "tests/fixtures/encoder";
const MOST_CHARACTERS = 60; // the adapter of a test machine draws on the CPU

let backend: Backend;
beforeAll(async () => {
  backend = await openDawn({ watchdogMs: 120_000 });
});
afterAll(() => backend.dispose());

test("bge-small on WebGPU gives the vectors of Python's onnxruntime", async () => {
  const texts = JSON.parse(readFileSync(`${FIXTURE}/texts.json`, "utf8")) as string[];
  const want = readNpy(readFileSync(`${FIXTURE}/vectors.npy`));
  const rows = [...texts.keys()].filter((row) => texts[row]!.length <= MOST_CHARACTERS);
  expect(rows.length).toBeGreaterThan(15);
  const embedder = await openTextEmbedder(backend, bgeSmall(), { tokens: 192 });
  const got = await embedder.embed(rows.map((row) => texts[row]!));
  embedder.dispose();
  for (const [position, row] of rows.entries()) {
    expectClose(rowOf(got, position), rowOf(want, row), { absolute: 1e-4 }, texts[row]);
  }
}, 600_000);
