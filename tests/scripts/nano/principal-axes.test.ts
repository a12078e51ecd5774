import { expect, test } from "vitest";
import { principalAxes } from "../../../scripts/nano/principal-axes.ts";
import { CounterRandom } from "../../../src/domain/random.ts";

/** rows of a known plane in eight dimensions, with a little of everything else. */
function rowsOfAPlane(count: number, noise: number): { rows: number; columns: number; values: Float32Array } {
  const random = new CounterRandom(5);
  const values = new Float32Array(count * 8);
  for (let row = 0; row < count; row++) {
    const [a, b] = [random.uniform() - 0.5, random.uniform() - 0.5];
    for (let column = 0; column < 8; column++) {
      const inPlane = a * Math.cos(column) + b * Math.sin(2 * column);
      values[row * 8 + column] = inPlane + noise * (random.uniform() - 0.5);
    }
  }
  return { rows: count, columns: 8, values };
}

test("two axes keep all of a plane, one does not", () => {
  expect(principalAxes(rowsOfAPlane(100, 0), 2).kept).toBeCloseTo(1, 6);
  expect(principalAxes(rowsOfAPlane(100, 0), 1).kept).toBeLessThan(0.95);
});

test("the axes are orthonormal, and the larger part comes first", () => {
  const { axes } = principalAxes(rowsOfAPlane(200, 0.3), 8);
  for (let i = 0; i < 8; i++) {
    for (let j = 0; j < 8; j++) {
      let product = 0;
      for (let row = 0; row < 8; row++) product += axes.values[8 * row + i]! * axes.values[8 * row + j]!;
      expect(product).toBeCloseTo(i === j ? 1 : 0, 5);
    }
  }
  const kept = [1, 2, 3].map((count) => principalAxes(rowsOfAPlane(200, 0.3), count).kept);
  expect(kept[1]! - kept[0]!).toBeLessThan(kept[0]!);
  expect(kept[2]! - kept[1]!).toBeLessThan(kept[1]! - kept[0]!);
});
