import { expect, test } from "vitest";
import { writeSafetensors } from "../../../../src/domain/formats/safetensors.ts";
import { readInt8Weights, writeInt8Weights } from "../../../../src/domain/models/weights/int8.ts";
import { CounterRandom } from "../../../../src/domain/random.ts";

const random = new CounterRandom(3);
const draw = (count: number): Float32Array =>
  Float32Array.from({ length: count }, () => random.uniform() - 0.5);

test("a matrix comes back within half a step of its row's scale, a vector as it was", () => {
  const matrix = draw(5 * 7);
  matrix.fill(0, 14, 21); // a row of zeros has no scale
  const vector = draw(9);
  const read = readInt8Weights(
    writeInt8Weights(
      new Map([
        ["w", { shape: [5, 7], values: matrix }],
        ["b", { shape: [9], values: vector }],
      ]),
    ),
  );
  expect(read.get("b")).toEqual({ shape: [9], values: vector });
  const values = read.get("w")!.values;
  for (let row = 0; row < 5; row++) {
    const from = matrix.subarray(7 * row, 7 * row + 7);
    const step = Math.max(...from.map(Math.abs)) / 127;
    for (const [column, value] of from.entries()) {
      expect(Math.abs(values[7 * row + column]! - value)).toBeLessThanOrEqual(0.5001 * step);
    }
  }
});

test("a matrix takes a byte a value and four a row", () => {
  const bytes = writeInt8Weights(new Map([["w", { shape: [64, 512], values: draw(64 * 512) }]]));
  expect(bytes.length).toBeLessThan(64 * 512 + 64 * 4 + 300);
});

test("a matrix without its scales is refused by name", () => {
  const file = writeSafetensors(new Map([["w", { shape: [2, 2], values: Int8Array.of(1, 2, 3, 4) }]]));
  expect(() => readInt8Weights(file, "weights.safetensors")).toThrow(
    /weights\.safetensors: "w".*needs 2 scales/,
  );
});
