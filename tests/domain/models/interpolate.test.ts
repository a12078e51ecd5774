import { expect, test } from "vitest";
import type { LoraAdapter } from "../../../src/domain/models/encoder-model.ts";
import { interpolateModel, interpolateWeights, scaleLora } from "../../../src/domain/models/interpolate.ts";
import { mergeLora } from "../../../src/domain/models/merge-lora.ts";
import { expectClose } from "../../close.ts";
import { refusal } from "../formats/refusal.ts";

const tensor = (shape: number[], ...values: number[]) => ({ shape, values: Float32Array.from(values) });
const base = new Map([["encoder.layer.0.output.dense.weight", tensor([2, 3], 1, 2, 3, 4, 5, 6)]]);
const adapter: LoraAdapter = {
  rank: 2,
  alpha: 4,
  rsLora: false,
  targets: ["output.dense"],
  weights: new Map([
    ["encoder.layer.0.output.dense.lora_A.weight", tensor([2, 3], 1, 0, -1, 0.5, 2, 1)],
    ["encoder.layer.0.output.dense.lora_B.weight", tensor([2, 2], 1, -1, 2, 3)],
  ]),
};
const values = (weights: ReadonlyMap<string, { values: Float32Array }>) => [...weights.values()][0]!.values;

test("LoRA merges as W + alpha/r · B·A, with rsLoRA alpha/√r", () => {
  // B·A = [[0.5, -2, -2], [3.5, 6, 1]]
  expectClose(values(mergeLora(base, adapter)), [2, -2, -1, 11, 17, 8], {});
  const factor = 4 / Math.SQRT2;
  const wanted = [
    1 + 0.5 * factor,
    2 - 2 * factor,
    3 - 2 * factor,
    4 + 3.5 * factor,
    5 + 6 * factor,
    6 + factor,
  ];
  expectClose(values(mergeLora(base, { ...adapter, rsLora: true })), wanted, { relative: 1e-6 });
  expect(values(base)).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
});

test("a LoRA adapter at half strength merges to the middle between base and tuned weights", () => {
  const tuned = mergeLora(base, adapter);
  const middle = interpolateWeights(base, tuned, 0.5);
  expectClose(values(mergeLora(base, scaleLora(adapter, 0.5))), values(middle), { relative: 1e-6 });
  expectClose(values(mergeLora(base, scaleLora(adapter, 0))), values(base), {});
  expect(scaleLora(adapter, 1)).toBe(adapter);
});

test("a replaced head starts from the base's where there is one", () => {
  const weights = new Map([...adapter.weights, ["classifier.bias", tensor([1], 3)]]);
  const half = scaleLora({ ...adapter, weights }, 0.5, new Map([["classifier.bias", tensor([1], 1)]]));
  expect(half.weights.get("classifier.bias")!.values[0]).toBe(2);
  expect(scaleLora({ ...adapter, weights }, 0.5).weights.get("classifier.bias")!.values[0]).toBe(3);
  expect(mergeLora(base, { ...adapter, weights }).get("classifier.bias")!.values[0]).toBe(3);
});

test("strengths 0, 1 and beyond of a whole model; a new head stays", () => {
  const tuned = {
    name: "t",
    weights: new Map([
      ["a", tensor([2], 3, 5)],
      ["head", tensor([1], 9)],
    ]),
  };
  const start = { name: "b", weights: new Map([["a", tensor([2], 1, 1)]]) };
  const at = (alpha: number) => Array.from(interpolateModel(start, tuned, alpha).weights.get("a")!.values);
  expect([at(0), at(0.25), at(1), at(1.5)]).toEqual([
    [1, 1],
    [1.5, 2],
    [3, 5],
    [4, 7],
  ]);
  expect(interpolateModel(start, tuned, 0).weights.get("head")!.values[0]).toBe(9);
  const other = new Map([["a", tensor([1], 1)]]);
  refusal(() => interpolateWeights(other, tuned.weights, 0.5), "E_MISMATCH", "a is [2]", "no common base");
});

test("an adapter of another base is refused", () => {
  refusal(() => mergeLora(new Map(), adapter), "E_MISMATCH", "is missing", "choose the base");
  const narrow = new Map([["encoder.layer.0.output.dense.weight", tensor([2, 2], 1, 2, 3, 4)]]);
  refusal(() => mergeLora(narrow, adapter), "E_MISMATCH", "[2, 2]", "[2, 3]");
});
