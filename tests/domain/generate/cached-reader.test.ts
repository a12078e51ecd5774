import { afterAll, beforeAll, expect, test } from "vitest";
import { CacheRows } from "../../../src/domain/generate/cache-rows.ts";
import type { Backend } from "../../../src/engine/backend.ts";
import { openTestCpu } from "../recipes/open-backend.ts";
import { expectCacheAgrees } from "./cached-reader-agreement.ts";
import type { Shape } from "./random-decoder.ts";

let cpu: Backend;
beforeAll(async () => {
  cpu = await openTestCpu();
});
afterAll(() => cpu.dispose());

test.each<Shape>(["llama", "qwen2", "qwen3"])(
  "cached keys and values give the logits of whole passes: %s",
  (shape) => expectCacheAgrees(cpu, shape),
);

test.each([{ frozen: "q8" }, { frozen: "q4", vocabularyRows: 200 }] as const)(
  "so they do over weights kept as %j",
  (trace) => expectCacheAgrees(cpu, "qwen2", { trace }),
);

test("rows are handed out once, and join again when they come back", () => {
  const rows = new CacheRows(10);
  const [a, b, c] = [rows.take(4)!, rows.take(3)!, rows.take(3)!];
  expect([a, b, c].map(({ first }) => first)).toEqual([0, 4, 7]);
  expect(rows.take(1)).toBeUndefined();
  rows.giveBack(a);
  rows.giveBack(c);
  expect(rows.take(5)).toBeUndefined();
  rows.giveBack(b);
  expect(rows.isEmpty).toBe(true);
  expect(rows.take(10)).toEqual({ first: 0, count: 10 });
  expect(rows.isEmpty).toBe(false);
});
