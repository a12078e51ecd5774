import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Dataset } from "../../../src/domain/data/dataset.ts";
import { readLlamaIndexDataset } from "../../../src/domain/formats/llamaindex-dataset.ts";
import { readNpy } from "../../../src/domain/formats/npy.ts";
import type { Matrix } from "../../../src/domain/matrix.ts";
import { CounterRandom } from "../../../src/domain/random.ts";

export interface VectorSet {
  readonly dataset: Dataset;
  readonly queries: Matrix;
  readonly queriesInstruction?: Matrix;
  readonly corpus: Matrix;
}

const shared = resolve(process.env["RETUNE_SHARED"] ?? "../shared");
const lyftUber = join(shared, "data", "lyft-uber-10k");

/** Lyft ("train") or Uber ("val") of the guide, or undefined where the folder is not on this machine. */
export function guideData(split: "train" | "val"): VectorSet | undefined {
  if (!existsSync(lyftUber)) return undefined;
  const read = (name: string): Uint8Array => new Uint8Array(readFileSync(join(lyftUber, name)));
  const vectors = (name: string): Matrix =>
    readNpy(read(join("vectors-bge-small-en-v1.5", `${split}_${name}.npy`)));
  return {
    dataset: readLlamaIndexDataset(read(`${split}_dataset.json`)).dataset,
    queries: vectors("queries"),
    queriesInstruction: vectors("queries_instruction"),
    corpus: vectors("corpus"),
  };
}

/** The bundled handbook with its shipped vectors. */
export function sampleData(split: "train" | "test"): VectorSet {
  const folder = new URL("../../../public/samples/handbook/", import.meta.url);
  const read = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, folder)));
  const vectors = (name: string): Matrix => readNpy(read(`vectors/${split}_${name}.npy`));
  return {
    dataset: readLlamaIndexDataset(read(`${split}.json`)).dataset,
    queries: vectors("queries"),
    queriesInstruction: vectors("queries_instruction"),
    corpus: vectors("corpus"),
  };
}

/**
 * A planted set: passages are random unit vectors, a question is its passage seen through a fixed blur that only some
 * dimensions survive, so an adapter that learns which ones to trust ranks better.
 */
export function plantedData(passages: number, perPassage: number, width: number, seed: number): VectorSet {
  const random = new CounterRandom(seed);
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());
  const corpus = unitRows(passages, width, () => normal());
  const noise = Float64Array.from({ length: width }, (_, k) => (k % 2 ? 0.2 : 3) / Math.sqrt(width));
  const count = passages * perPassage;
  const queries = unitRows(count, width, (row, k) => {
    const passage = Math.floor(row / perPassage);
    return corpus.values[passage * width + k]! + noise[k]! * normal();
  });
  const names = Array.from({ length: passages }, (_, index) => `p${String(index).padStart(4, "0")}`);
  const dataset: Dataset = {
    passages: names.map((id, index) => ({ id, text: `passage ${id} word${index % 17}` })),
    queries: Array.from({ length: count }, (_, index) => {
      const passage = Math.floor(index / perPassage);
      return {
        id: `q${index}`,
        text: `word${passage % 17}?`,
        relevant: [{ passage: names[passage]!, grade: 1 }],
      };
    }),
  };
  return { dataset, queries, corpus };
}

function unitRows(rows: number, columns: number, at: (row: number, column: number) => number): Matrix {
  const values = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const own = Array.from({ length: columns }, (_, column) => at(row, column));
    const length = Math.hypot(...own);
    values.set(
      own.map((value) => value / length),
      row * columns,
    );
  }
  return { rows, columns, values };
}
