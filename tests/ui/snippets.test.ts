import { expect, test } from "vitest";
import { fuse, fusionOf } from "../../src/domain/eval/fusion.ts";
import { dotScores } from "../../src/domain/eval/dense.ts";
import { LexicalIndex } from "../../src/domain/eval/bm25.ts";
import type { TensorData } from "../../src/domain/matrix.ts";
import type { AdapterConfig } from "../../src/domain/models/adapter-config.ts";
import { parameterShapes } from "../../src/domain/models/adapter-weights.ts";
import { applyAdapter } from "../../src/domain/models/apply-adapter.ts";
import { snippet } from "../../src/ui/screens/models/snippets.ts";
import { numbers } from "./fake-report.ts";

const PASSAGES = [
  "The boiler room is locked at six; the key hangs in the hall.",
  "Seeds are counted twice a month by the loft team, counted again in March.",
  "A blue ticket lets one person carry the key for two hours.",
  "Nobody sweeps the print shop on Fridays.",
];
const QUESTION = "who may carry the key of the boiler room, and the key for how long";
const FEATURES = 6;

const ADAPTERS: readonly AdapterConfig[] = [
  { kind: "linear", features: FEATURES, bias: false },
  { kind: "linear", features: FEATURES, bias: true },
  {
    kind: "two-layer",
    features: FEATURES,
    hiddenFeatures: 9,
    activation: "relu",
    residual: true,
    bias: true,
  },
  {
    kind: "custom",
    features: FEATURES,
    residual: true,
    layers: [
      { features: 5, activation: "tanh", bias: true },
      { features: FEATURES, activation: "leaky_relu", bias: false },
    ],
  },
];

function vector(seed: number, length: number): Float32Array {
  const random = numbers(seed);
  return Float32Array.from({ length }, () => random() - 0.5);
}

function unit(values: Float32Array): Float32Array {
  const length = Math.hypot(...values);
  return values.map((value) => value / length);
}

type Search = (
  question: string,
  embed: (text: string) => Promise<number[]>,
  passages: readonly string[],
  vectors: readonly Float32Array[],
) => Promise<{ index: number; score: number }[]>;

/** The snippet as a module of its own, with the two things its first line asks for. */
async function loadSearch(code: string, weights: unknown, fusion: unknown): Promise<Search> {
  const module = `export default (weights, fusion) => { ${code}\nreturn search; };`;
  const loaded = (await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(module)}`)) as {
    default: (weights: unknown, fusion: unknown) => Search;
  };
  return loaded.default(weights, fusion);
}

test.each(ADAPTERS)("the JavaScript a person pastes ranks as the program does: %j", async (adapter) => {
  const weights = new Map<string, TensorData>(
    [...parameterShapes(adapter)].map(([name, shape], index) => [
      name,
      {
        shape,
        values: vector(
          index + 1,
          shape.reduce((a, b) => a * b, 1),
        ),
      },
    ]),
  );
  const question = vector(77, FEATURES);
  const vectors = PASSAGES.map((_, index) => unit(vector(100 + index, FEATURES)));
  const fusion = fusionOf({ dense: 0.7, lexical: 0.3 });

  const tuned = applyAdapter(adapter, weights, { rows: 1, columns: FEATURES, values: question });
  const corpus = {
    rows: 4,
    columns: FEATURES,
    values: Float32Array.from(vectors.flatMap((row) => [...row])),
  };
  const dense = { rows: 1, columns: 4, values: dotScores({ ...tuned, values: unit(tuned.values) }, corpus) };
  const lexical = new LexicalIndex(PASSAGES).scores([QUESTION]);
  const own = fuse({ ...dense, values: Float32Array.from(dense.values) }, lexical, fusion).values;

  const code = snippet("javascript", { adapter, model: "bge-small-en-v1.5", instruction: "Ask: " });
  const tensors = Object.fromEntries([...weights].map(([name, tensor]) => [name, tensor.values]));
  const search = await loadSearch(code, tensors, fusion);
  const asked: string[] = [];
  const embed = async (text: string): Promise<number[]> => {
    asked.push(text);
    return [...question];
  };
  const hits = await search(QUESTION, embed, PASSAGES, vectors);
  expect(asked).toEqual([`Ask: ${QUESTION}`]);
  for (const hit of hits) expect(hit.score).toBeCloseTo(own[hit.index]!, 5);
  expect(hits.map((hit) => hit.index)).toEqual([0, 1, 2, 3].sort((a, b) => own[b]! - own[a]!));
});

test("LlamaIndex's snippet names the class that loads the adapter, and the instruction", () => {
  const facts = { model: "bge-small-en-v1.5", instruction: "Represent: " };
  const linear = snippet("llamaindex", { ...facts, adapter: ADAPTERS[0]! });
  expect(linear).toContain('AdapterEmbeddingModel(base, "llamaindex")');
  expect(linear).toContain('query_instruction="Represent: "');
  expect(snippet("llamaindex", { ...facts, adapter: ADAPTERS[2]! })).toContain('"llamaindex", TwoLayerNN)');
  expect(snippet("llamaindex", { ...facts, adapter: ADAPTERS[3]! })).toContain("README.md in the export");
});
