import { expect, test } from "vitest";
import { decodeFloats } from "../../../../src/domain/formats/floats.ts";
import { halfBits } from "../../../../src/domain/formats/onnx/half.ts";

const FINITE = Array.from({ length: 65_536 }, (_, bits) => bits).filter((bits) => (bits & 0x7c00) !== 0x7c00);
const decoded = (bits: Uint16Array) => decodeFloats(new Uint8Array(bits.buffer), "F16");

test("every finite half comes back with its own bits", () => {
  const bits = Uint16Array.from(FINITE);
  expect(halfBits(decoded(bits))).toEqual(bits);
});

test("what lies between two halves goes to the nearer one, the middle to the even one", () => {
  const positive = FINITE.filter((bits) => bits < 0x8000);
  const values = decoded(Uint16Array.from(positive));
  for (let index = 0; index + 1 < positive.length; index++) {
    const [low, high] = [values[index]!, values[index + 1]!];
    const [near, middle, far] = halfBits(
      Float32Array.of(low + 0.25 * (high - low), (low + high) / 2, low + 0.75 * (high - low)),
    );
    const even = positive[index]! % 2 === 0 ? positive[index]! : positive[index]! + 1;
    if (near !== positive[index] || middle !== even || far !== positive[index]! + 1) {
      throw new Error(`between ${low} and ${high}: ${near}, ${middle}, ${far}`);
    }
  }
  expect(values.length).toBe(31_744);
});

test("numbers beyond a half's range become its largest", () => {
  const largest = decoded(halfBits(Float32Array.of(1e6, -Infinity, 65_519)));
  expect([...largest]).toEqual([65_504, -65_504, 65_504]);
  expect([...decoded(halfBits(Float32Array.of(1e-9, -1e-9)))]).toEqual([0, -0]);
});
