import { expect, test } from "vitest";
import { nextToken } from "../../../src/domain/generate/sampling.ts";
import { CounterRandom } from "../../../src/domain/random.ts";

const GREEDY = { temperature: 0, topK: Infinity, topP: 1 };
const random = (): CounterRandom => new CounterRandom(1);

test("greedy takes the smaller of equal ids, and the best that a mask allows", () => {
  const logits = Float32Array.of(1, 3, 3, 2);
  expect(nextToken(logits, GREEDY, random())).toBe(1);
  expect(nextToken(logits, GREEDY, random(), Int32Array.of(0b1001))).toBe(3);
  expect(() => nextToken(logits, GREEDY, random(), Int32Array.of(0))).toThrow(/none of the 4 logits/);
  expect(() => nextToken(Float32Array.of(NaN, NaN), GREEDY, random())).toThrow(/not|none/);
});

/** How often each id comes of many draws. */
function shares(logits: Float32Array, settings: Partial<typeof GREEDY>, mask?: Int32Array): number[] {
  const draws = 20_000;
  const counts = new Array<number>(logits.length).fill(0);
  const source = random();
  const all = { ...GREEDY, temperature: 1, ...settings };
  for (let draw = 0; draw < draws; draw++) counts[nextToken(logits, all, source, mask)]!++;
  return counts.map((count) => count / draws);
}

test("draws follow the softmax of the logits over the temperature", () => {
  const logits = Float32Array.of(0, 1, 2);
  for (const temperature of [0.5, 1, 2]) {
    const weights = [0, 1, 2].map((z) => Math.exp(z / temperature));
    const total = weights.reduce((sum, weight) => sum + weight);
    for (const [id, share] of shares(logits, { temperature }).entries()) {
      expect(Math.abs(share - weights[id]! / total)).toBeLessThan(0.015); // 4 standard errors
    }
  }
});

test("topK and topP leave out the unlikely, and never the likeliest", () => {
  const logits = Float32Array.of(...[0.1, 0.4, 0.3, 0.2].map(Math.log));
  expect(shares(logits, { topK: 2 }).map((share) => share > 0)).toEqual([false, true, true, false]);
  expect(shares(logits, { topP: 0.75 }).map((share) => share > 0)).toEqual([false, true, true, true]);
  expect(shares(logits, { topP: 0.65 }).map((share) => share > 0)).toEqual([false, true, true, false]);
  expect(shares(logits, { topP: 1e-9 })).toEqual([0, 1, 0, 0]);
  expect(shares(logits, { topK: 3, topP: 0.8 }).map((share) => share > 0)).toEqual([false, true, true, true]);
  expect(shares(logits, { topK: 1 }, Int32Array.of(0b1101))).toEqual([0, 0, 1, 0]);
});
