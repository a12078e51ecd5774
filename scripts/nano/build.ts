import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openBackend } from "../../cli/ports/backend.ts";
import type { Backend } from "../../src/engine/backend.ts";
import type { Matrix } from "../../src/domain/matrix.ts";
import { bertConfigOf, type BertConfig } from "../../src/domain/models/bert/config.ts";
import { writeInt8Weights } from "../../src/domain/models/weights/int8.ts";
import type { Bucket, TokenSequence } from "../../src/domain/text/pack.ts";
import { SequenceTokenizer, type TokenizerText } from "../../src/domain/text/wordpiece.ts";
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
const TEACHER = "public/models/bge-small-en-v1.5";
const RATE = 1e-3; // peak

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

const TOKENIZER_CONFIG = { tokenizer_class: "BertTokenizer", do_lower_case: true, model_max_length: 512 };
const POOLING = {
  word_embedding_dimension: 192,
  pooling_mode_cls_token: false,
  pooling_mode_mean_tokens: true,
};

/** Builds public/models/retune-nano from nothing; returns the exit code. */
export async function main(argv: readonly string[], { root }: { root: string }): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: { epochs: { type: "string", default: "4" }, limit: { type: "string" } },
  });
  const started = performance.now();
  const backend = await openBackend("cpu", root);
  console.error(`backend: ${backend.label}`);
  const lesson = await prepare(backend, root, values.limit ? Number(values.limit) : undefined);
  console.error(`${lesson.texts} texts; the axes keep ${lesson.kept.toFixed(4)}; ${seconds(started)} s`);
  const steps: DistilledStep[] = [];
  const training = performance.now();
  const epochs = Number(values.epochs);
  const { sequences, targets, pieces } = lesson;
  const config: BertConfig = bertConfigOf(SHAPE);
  const job = { config, sequences, targets, pieces, bucket: BUCKET, epochs, learningRate: RATE, seed: SEED };
  const weights = await distil(backend, job, (step) => {
    steps.push(step);
    console.error(`${step.step} of ${step.total}: loss ${step.loss.toFixed(4)}, ${seconds(training)} s`);
  });
  const int8 = writeInt8Weights(weights);
  const record = {
    teacher: { name: "bge-small-en-v1.5", sha256: hashOf(join(root, TEACHER, "onnx", "model.onnx")) },
    packages: [ADDRESSES, WORDNET].map(({ name, version, sha256 }) => ({ name, version, sha256 })),
    ...{ texts: lesson.texts, kept: lesson.kept, seed: SEED, epochs, learningRate: RATE, bucket: BUCKET },
    ...{ backend: backend.build, seconds: { all: seconds(started), training: seconds(training) } },
    sha256: createHash("sha256").update(int8).digest("hex"),
    steps,
  };
  save(join(root, "public", "models", "retune-nano"), int8, lesson.tokenizer.tokenizerJson, record);
  console.error(`public/models/retune-nano: ${int8.length} bytes of weights, ${seconds(started)} s`);
  return 0;
}

interface Lesson {
  readonly texts: number;
  readonly kept: number; // share of the teacher's squared length on the axes
  readonly tokenizer: TokenizerText;
  readonly sequences: readonly TokenSequence[];
  readonly targets: Matrix;
  readonly pieces: Matrix;
}

/** Texts, the teacher's vectors on the axes, and the student's own vocabulary. */
async function prepare(backend: Backend, root: string, limit: number | undefined): Promise<Lesson> {
  const cache = join(root, ".cache", "nano");
  mkdirSync(cache, { recursive: true });
  const texts = nanoCorpus(root, cache, SEED).slice(0, limit);
  const teacher = openTeacher(join(root, TEACHER));
  const read = new SequenceTokenizer(teacher.tokenizer);
  const asked = texts.map((text) => read.encode(text, TEACHER_TOKENS));
  const vectors = await teacherVectors(backend, teacher, asked, cache);
  const { axes, kept } = principalAxes(vectors, SHAPE.hidden_size);
  const vocabulary = chooseVocabulary(teacher.tokenizer, read, texts, VOCABULARY);
  const [opening, closing] = [asked[0]!.ids[0]!, asked[0]!.ids.at(-1)!];
  const alone = vocabulary.kept.map((id) => ({ ids: [opening, id, closing] }));
  const own = new SequenceTokenizer(vocabulary.tokenizer);
  return {
    texts: texts.length,
    kept,
    tokenizer: vocabulary.tokenizer,
    sequences: texts.map((text) => own.encode(text, LONGEST)),
    targets: onAxes(vectors, axes),
    pieces: onAxes(await teacherVectors(backend, teacher, alone, cache), axes),
  };
}

function save(folder: string, weights: Uint8Array, tokenizerJson: string, record: object): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "model.safetensors"), weights);
  writeFileSync(join(folder, "config.json"), `${JSON.stringify(SHAPE, null, 2)}\n`);
  writeFileSync(join(folder, "tokenizer.json"), tokenizerJson);
  writeFileSync(join(folder, "tokenizer_config.json"), `${JSON.stringify(TOKENIZER_CONFIG, null, 2)}\n`);
  mkdirSync(join(folder, "1_Pooling"), { recursive: true });
  writeFileSync(join(folder, "1_Pooling", "config.json"), `${JSON.stringify(POOLING, null, 2)}\n`);
  writeFileSync(join(folder, "run.json"), `${JSON.stringify(record, null, 1)}\n`);
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
