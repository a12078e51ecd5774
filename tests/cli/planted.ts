import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeNpy } from "../../src/domain/formats/npy.ts";
import type { Matrix } from "../../src/domain/matrix.ts";
import { CounterRandom } from "../../src/domain/random.ts";

const DIMENSION = 16;

/** A folder with train.json, validation.json and vectors in which a linear adapter can learn a planted rotation. */
export function plantedFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "retune-cli-"));
  const rotation = swapped();
  writeSet(folder, "train", 60, 1, rotation);
  writeSet(folder, "validation", 40, 2, rotation);
  return folder;
}

/** Writes a job beside the data and returns its path. */
export function writeJob(folder: string, job: object, name = "job.json"): string {
  const file = join(folder, name);
  writeFileSync(file, JSON.stringify(job));
  return file;
}

/** A job on the planted data with given vectors. */
export function plantedJob(changes: object = {}): object {
  const vectors = (set: string): object => ({
    queries: `${set}-queries.npy`,
    queriesInstruction: `${set}-queries-instruction.npy`,
    corpus: `${set}-corpus.npy`,
  });
  return {
    task: "adapter",
    train: "train.json",
    validation: "validation.json",
    mode: "compatible",
    adapter: { kind: "linear", bias: false },
    epochs: 3,
    learningRate: 0.01,
    backend: "cpu",
    vectors: { train: vectors("train"), validation: vectors("validation") },
    ...changes,
  };
}

/** Questions stand half way between their passage's vector and its rotated twin. */
function swapped(): readonly number[] {
  return Array.from({ length: DIMENSION }, (_, index) => (index % 2 === 0 ? index + 1 : index - 1));
}

function writeSet(
  folder: string,
  name: string,
  passages: number,
  seed: number,
  rotation: readonly number[],
): void {
  const stream = CounterRandom.stream(seed, 1);
  const random = (): number => stream.uniform();
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const corpus = matrix(Array.from({ length: passages }, () => Array.from({ length: DIMENSION }, normal)));
  const questions = Array.from({ length: passages * 2 }, (_, query) => {
    const row = corpus.values.subarray((query >> 1) * DIMENSION, ((query >> 1) + 1) * DIMENSION);
    return Array.from(row, (value, index) => 0.4 * value + row[rotation[index]!]! + 0.4 * normal());
  });
  const queries = matrix(questions);
  const after = matrix(questions.map((row) => row.map((value) => value + 0.1 * normal())));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}-corpus.npy`), writeNpy(corpus));
  writeFileSync(join(folder, `${name}-queries.npy`), writeNpy(queries));
  writeFileSync(join(folder, `${name}-queries-instruction.npy`), writeNpy(after));
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(datasetOf(name, passages, random)));
}

function datasetOf(name: string, passages: number, random: () => number): object {
  const word = (): string => `word${Math.floor(random() * 200)}`;
  const texts = Array.from({ length: passages }, () => Array.from({ length: 12 }, word).join(" "));
  const ids = texts.map((_, index) => `${name}-p${index}`);
  const asked = ids.flatMap((id, index) =>
    [0, 1].map((turn) => [`${name}-q${index}-${turn}`, id, index] as const),
  );
  return {
    queries: Object.fromEntries(
      asked.map(([query, , index]) => [
        query,
        `${texts[index]!.split(" ").slice(0, 3).join(" ")} ${word()}?`,
      ]),
    ),
    corpus: Object.fromEntries(ids.map((id, index) => [id, texts[index]])),
    relevant_docs: Object.fromEntries(asked.map(([query, id]) => [query, [id]])),
    mode: "text",
  };
}

function matrix(rows: readonly (readonly number[])[]): Matrix {
  return { rows: rows.length, columns: DIMENSION, values: Float32Array.from(rows.flat()) };
}
