import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openBackend } from "../../cli/ports/backend.ts";
import type { Matrix } from "../../src/domain/matrix.ts";
import { bertConfigOf, type BertConfig } from "../../src/domain/models/bert/config.ts";
import { writeInt8Weights } from "../../src/domain/models/weights/int8.ts";
import type { Bucket } from "../../src/domain/text/pack.ts";
import { SequenceTokenizer } from "../../src/domain/text/wordpiece.ts";
import { nanoCorpus } from "./corpus.ts";
import { distil, type DistilledStep } from "./distil.ts";
import { ADDRESSES, WORDNET } from "./packages.ts";
import { principalAxes } from "./principal-axes.ts";
import { openTeacher, seconds, teacherVectors } from "./teacher.ts";
import { chooseVocabulary } from "./vocabulary.ts";

const SEED = 0;
const VOCABULARY = 11_800;
const LONGEST = 256; // tokens of a training text
const BUCKET: Bucket = { rows: 2048, segments: 192, longest: LONGEST };
const TEACHER_TOKENS = 512;

const SHAPE = {
  model_type: "bert",
  architectures: ["BertModel"],
  vocab_size: VOCABULARY,
  hidden_size: 192,
  num_hidden_layers: 3,
  num_attention_heads: 6,
  intermediate_size: 768,
  hidden_act: "gelu",
  hidden_dropout_prob: 0,
  attention_probs_dropout_prob: 0,
  max_position_embeddings: 512,
  type_vocab_size: 2,
  layer_norm_eps: 1e-12,
  pad_token_id: 0,
};

/** Builds public/nano from nothing; returns the exit code. */
export async function main(argv: readonly string[], { root }: { root: string }): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: { epochs: { type: "string", default: "6" }, limit: { type: "string" } },
  });
  const epochs = Number(values.epochs);
  const started = performance.now();
  const cache = join(root, ".cache", "nano");
  mkdirSync(cache, { recursive: true });
  const backend = await openBackend("cpu", root);
  console.error(`backend: ${backend.label}`);
  const texts = nanoCorpus(root, cache, SEED).slice(0, values.limit ? Number(values.limit) : undefined);
  const teacher = openTeacher(join(root, "public", "models", "bge-small-en-v1.5"));
  const read = new SequenceTokenizer(teacher.tokenizer);
  const asked = texts.map((text) => read.encode(text, TEACHER_TOKENS));
  const vectors = await teacherVectors(backend, teacher, asked, cache);
  const { axes, kept } = principalAxes(vectors, SHAPE.hidden_size);
  console.error(`${texts.length} texts; the axes keep ${kept.toFixed(4)}; ${seconds(started)} s`);
  const vocabulary = chooseVocabulary(teacher.tokenizer, read, texts, VOCABULARY);
  const [opening, closing] = [asked[0]!.ids[0]!, asked[0]!.ids.at(-1)!];
  const alone = vocabulary.kept.map((id) => ({ ids: [opening, id, closing] }));
  const pieces = onAxes(await teacherVectors(backend, teacher, alone, cache), axes);
  const own = new SequenceTokenizer(vocabulary.tokenizer);
  const steps: DistilledStep[] = [];
  const trainingStarted = performance.now();
  const config: BertConfig = bertConfigOf(SHAPE);
  const weights = await distil(
    backend,
    {
      config,
      sequences: texts.map((text) => own.encode(text, LONGEST)),
      targets: onAxes(vectors, axes),
      pieces,
      bucket: BUCKET,
      epochs,
      learningRate: 1e-3,
      seed: SEED,
    },
    (step) => {
      steps.push(step);
      const place = `${step.step} of ${step.total}`;
      console.error(`${place}: loss ${step.loss.toFixed(4)}, ${seconds(trainingStarted)} s`);
    },
  );
  const int8 = writeInt8Weights(weights);
  const folder = join(root, "public", "nano");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "weights.safetensors"), int8);
  writeFileSync(join(folder, "config.json"), `${JSON.stringify(SHAPE, null, 2)}\n`);
  writeFileSync(join(folder, "tokenizer.json"), vocabulary.tokenizer.tokenizerJson);
  const record = {
    teacher: {
      name: teacher.name,
      sha256: hashOf(join(root, "public/models/bge-small-en-v1.5/onnx/model.onnx")),
    },
    texts: {
      count: texts.length,
      packages: [ADDRESSES, WORDNET].map(({ name, version, sha256 }) => ({ name, version, sha256 })),
    },
    ...{ seed: SEED, epochs, bucket: BUCKET, backend: backend.build, kept },
    seconds: { all: seconds(started), training: seconds(trainingStarted) },
    sha256: createHash("sha256").update(int8).digest("hex"),
    steps,
  };
  writeFileSync(join(folder, "run.json"), `${JSON.stringify(record, null, 1)}\n`);
  console.error(`public/nano: ${int8.length} bytes of weights, ${seconds(started)} s`);
  return 0;
}

/** Unit rows on the axes: [n, D] · [D, K], each divided by its length. */
function onAxes({ rows, columns, values }: Matrix, axes: Matrix): Matrix {
  const width = axes.columns;
  const out = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const target = out.subarray(row * width, (row + 1) * width);
    for (let k = 0; k < columns; k++) {
      const factor = values[row * columns + k]!;
      for (let column = 0; column < width; column++)
        target[column]! += factor * axes.values[k * width + column]!;
    }
    const length = Math.hypot(...target);
    for (let column = 0; column < width; column++) target[column]! /= length;
  }
  return { rows, columns: width, values: out };
}

function hashOf(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
