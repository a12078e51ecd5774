import { expect, test } from "vitest";
import { Fingerprint } from "../../../src/domain/recipes/fingerprint.ts";

const of = (...parts: readonly (string | Float32Array)[]): string => {
  const fingerprint = new Fingerprint();
  for (const part of parts) {
    if (typeof part === "string") fingerprint.text(part);
    else fingerprint.floats(part);
  }
  return fingerprint.hash;
};

test("equal parts in equal order have one hash of sixteen digits, and it stays what saved runs hold", () => {
  expect(of("rate 0.1", Float32Array.of(1, 2))).toBe(of("rate 0.1", Float32Array.of(1, 2)));
  expect(new Fingerprint().hash).toBe("9e3779b985ebca6b");
  expect(of("a")).toMatch(/^[0-9a-f]{16}$/);
});

test("a letter, the order of parts and the last bit of a number change it", () => {
  const own = of("ab", Float32Array.of(1));
  expect(of("ac", Float32Array.of(1))).not.toBe(own);
  expect(of(Float32Array.of(1), "ab")).not.toBe(own);
  expect(of("ab", Float32Array.of(1 + 2 ** -23))).not.toBe(own);
});

test("with a stride, numbers between are not looked at", () => {
  const hash = (values: readonly number[]): string =>
    new Fingerprint().floats(Float32Array.from(values), 2).hash;
  expect(hash([1, 2, 3])).toBe(hash([1, 9, 3]));
  expect(hash([1, 2, 3])).not.toBe(hash([1, 2, 4]));
});
