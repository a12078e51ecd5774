import { expect, test } from "vitest";
import { queryAdapterFolder } from "../../../src/app/jobs/query-adapter-export.ts";
import type { StoredAdapter } from "../../../src/domain/formats/adapter-folder.ts";
import { readQueryAdapterFolder } from "../../../src/domain/formats/query-adapter-folder.ts";
import { CounterRandom } from "../../../src/domain/random.ts";
import { tinyBert } from "../../domain/recipes/encoder/tiny-job.ts";

const model = tinyBert();
const width = model.config.hiddenSize;

function linearAdapter(features: number): StoredAdapter {
  const random = new CounterRandom(1);
  const values = Float32Array.from({ length: features * features }, (_, at) => {
    const identity = at % (features + 1) === 0 ? 1 : 0;
    return identity + 0.1 * (random.uniform() - 0.5);
  });
  return {
    config: { kind: "linear", features, bias: false },
    weights: new Map([["linear.weight", { shape: [features, features], values }]]),
  };
}

test("encoder and adapter become one folder with one copy of the encoder, whose adapter reads back", () => {
  const adapter = linearAdapter(width);
  const { files, verified } = queryAdapterFolder(model, adapter);
  expect([...files.keys()].filter((name) => name.endsWith("model.safetensors"))).toHaveLength(2); // encoder and Dense
  const back = readQueryAdapterFolder(files, "tiny").adapter;
  expect([...back.weights.values()][0]!.values).toEqual([...adapter.weights.values()][0]!.values);
  expect(verified).toContain("32 vectors");
});

test("an adapter of another width is refused with both widths", () => {
  expect(() => queryAdapterFolder(model, linearAdapter(width + 8))).toThrow(
    new RegExp(`${width + 8} dimensions, the encoder has ${width}`),
  );
});
