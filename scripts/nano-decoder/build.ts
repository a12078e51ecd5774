import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openBackend } from "../../cli/ports/backend.ts";
import { openLanguageModel } from "../../src/domain/generate/open-language-model.ts";
import type { Weights } from "../../src/domain/matrix.ts";
import { decoderInMemory } from "../../src/domain/models/decoder-model.ts";
import { llamaShapes } from "../../src/domain/models/llama/names.ts";
import type { Backend } from "../../src/engine/backend.ts";
import { llamaConfigOf, type LlamaConfig } from "../../src/domain/models/llama/config.ts";
import type { SupervisedSequence } from "../../src/domain/models/llama/supervision.ts";
import { Draw } from "./draw.ts";
import { examined } from "./examine.ts";
import { modelFiles } from "./folder.ts";
import { chatFormat, nanoLanguage, TurnSequences } from "./language.ts";
import { mixedTurn } from "./mix.ts";
import { pretrain, rateOf, type Checkpoint, type PretrainingStep, type RateSchedule } from "./pretrain.ts";

const SEED = 0;
const SCHEDULE: RateSchedule = { steps: 1600, learningRate: 2e-3, warmupSteps: 100, decayFrom: 0.5 };
const SAVED_EVERY = 100;
const EXAMINED = 100; // rows of a kind

/** Builds public/models/retune-nano-decoder; returns the exit code. */
export async function main(argv: readonly string[], { root }: { root: string }): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      steps: { type: "string", default: String(SCHEDULE.steps) },
      out: { type: "string", default: join(root, "public", "models", "retune-nano-decoder") },
      fresh: { type: "boolean" },
      probe: { type: "boolean" },
    },
  });
  const cache = join(root, ".cache", "nano-decoder");
  mkdirSync(cache, { recursive: true });
  const build = new Build(
    await openBackend("cpu", root),
    { ...SCHEDULE, steps: Number(values.steps) },
    cache,
  );
  const from = values.fresh ? undefined : readCheckpoint(build.file);
  if (values.probe && from) await build.save(values.out, weightsIn(from, build.config), []);
  else await build.train(values.out, from);
  return 0;
}

/** One training with what it is made of. */
class Build {
  readonly language = nanoLanguage();
  readonly shape = shapeOf(this.language.size);
  readonly config = llamaConfigOf(this.shape);
  readonly file: string; // of the checkpoint
  readonly #backend: Backend;
  readonly #schedule: RateSchedule;

  constructor(backend: Backend, schedule: RateSchedule, cache: string) {
    [this.#backend, this.#schedule] = [backend, schedule];
    this.file = join(cache, `checkpoint-${hashOf(this.language.tokenizerJson)}-${schedule.steps}`);
  }

  async train(out: string, from: Checkpoint | undefined): Promise<void> {
    const started = performance.now();
    const turns = new TurnSequences(chatFormat(this.language));
    const { steps } = this.#schedule;
    const job = {
      ...{ config: this.config, steps, seed: SEED },
      rateAt: (step: number): number => rateOf(this.#schedule, step),
      sequences: (step: number): Iterable<SupervisedSequence> => drawn(turns, step),
    };
    const log: PretrainingStep[] = [];
    const weights = await pretrain(this.#backend, job, from, async (step, capture) => {
      log.push(step);
      const seconds = (performance.now() - started) / 1000;
      const pace = `${(step.tokens / seconds).toFixed(0)} tokens/s, ${seconds.toFixed(0)} s`;
      console.error(`${step.step} of ${steps}: loss ${step.loss.toFixed(4)}, ${pace}`);
      if (step.step % SAVED_EVERY === 0) writeCheckpoint(this.file, await capture());
    });
    await this.save(out, weights, log);
  }

  /** Examines the weights and writes the folder. */
  async save(out: string, weights: Weights, log: readonly PretrainingStep[]): Promise<void> {
    const { shape, language } = this;
    const shares = await this.#shares(weights);
    console.error(shares);
    const record = { seed: SEED, ...this.#schedule, backend: this.#backend.build, shares, log };
    mkdirSync(out, { recursive: true });
    for (const [path, content] of modelFiles({ shape, weights, language, record })) {
      writeFileSync(join(out, path), content);
    }
  }

  async #shares(weights: Weights): Promise<Record<string, number>> {
    const { config } = this;
    const format = chatFormat(this.language);
    const parts = { name: "nano", config, format, weights: decoderInMemory(config, weights) };
    const model = await openLanguageModel(this.#backend, parts);
    const shares = await examined(model, EXAMINED);
    model.dispose();
    return shares;
  }
}

function weightsIn(checkpoint: Checkpoint, config: LlamaConfig): Weights {
  return new Map(
    Array.from(llamaShapes(config), ([name, shape]) => [name, { shape, values: checkpoint[name]! }]),
  );
}

function shapeOf(vocabulary: number): Record<string, unknown> {
  return {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    ...{ vocab_size: vocabulary, hidden_size: 128, num_hidden_layers: 4 },
    ...{ num_attention_heads: 4, num_key_value_heads: 2, head_dim: 32, intermediate_size: 352 },
    ...{ max_position_embeddings: 512, rope_theta: 10000, rms_norm_eps: 1e-5, hidden_act: "silu" },
    ...{ attention_bias: false, mlp_bias: false, tie_word_embeddings: true, initializer_range: 0.088 },
    ...{ bos_token_id: null, eos_token_id: 1, pad_token_id: 0, torch_dtype: "float16" },
    retune_placeholders: true,
  };
}

function* drawn(turns: TurnSequences, step: number): Iterable<SupervisedSequence> {
  const draw = new Draw(SEED, step);
  for (;;) yield turns.of(mixedTurn(draw));
}

/** Names with lengths in a line of JSON, then all numbers. */
function writeCheckpoint(file: string, checkpoint: Checkpoint): void {
  const entries = Object.entries(checkpoint);
  const head = Buffer.from(`${JSON.stringify(entries.map(([name, { length }]) => [name, length]))}\n`);
  const parts = entries.map(([, own]) => Buffer.from(own.buffer, own.byteOffset, own.byteLength));
  writeFileSync(`${file}.part`, Buffer.concat([head, ...parts]));
  renameSync(`${file}.part`, file);
}

function readCheckpoint(file: string): Checkpoint | undefined {
  if (!existsSync(file)) return undefined;
  const bytes = readFileSync(file);
  const end = bytes.indexOf(10);
  const names = JSON.parse(bytes.toString("utf8", 0, end)) as [string, number][];
  let at = end + 1;
  const tensors: Record<string, Float32Array> = {};
  for (const [name, length] of names) {
    tensors[name] = new Float32Array(
      bytes.buffer.slice(bytes.byteOffset + at, bytes.byteOffset + at + 4 * length),
    );
    at += 4 * length;
  }
  return tensors;
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
