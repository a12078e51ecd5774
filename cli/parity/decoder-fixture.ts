import * as v from "valibot";
import type { SafetensorsFile } from "../../src/domain/formats/safetensors.ts";
import type { TensorData, Weights } from "../../src/domain/matrix.ts";
import { llamaConfigOf, type LlamaConfig } from "../../src/domain/models/llama/config.ts";
import { ALL_DECODER_LINEAR, decoderLoraShapes } from "../../src/domain/models/llama/lora.ts";
import { HEAD, llamaShapes } from "../../src/domain/models/llama/names.ts";
import type { SupervisedSequence } from "../../src/domain/models/llama/supervision.ts";
import type { LoraShape } from "../../src/domain/models/lora-layers.ts";
import { RetuneError } from "../../src/engine/errors.ts";
import { checkedSettings, count, optimizerFields } from "./fixture-settings.ts";

/** A recorded LoRA run of a Llama-type decoder on next tokens. */
export interface DecoderFixture {
  readonly kind: "decoder-lora";
  readonly settings: DecoderFixtureSettings;
  readonly config: LlamaConfig;
  readonly lora: LoraShape;
  readonly batches: readonly DecoderBatch[]; // one a step
  readonly init: Weights; // all weights before training, by the names of names.ts and lora.ts
  readonly gradients: Weights; // of the first step, before clipping
  readonly final: Weights; // LoRA after training
  readonly logits: TensorData; // of the first batch before training, [sequences, width, vocabulary]
}

export interface DecoderBatch {
  readonly sequences: readonly SupervisedSequence[]; // without padding
  readonly width: number; // tokens of a sequence in the file, padding included
}

const settingsSchema = v.object({
  kind: v.literal("decoder-lora"),
  lora: v.object({
    r: count,
    alpha: v.number(),
    target_modules: v.union([v.literal("all linear"), v.array(v.string())]),
    use_rslora: v.optional(v.boolean(), false),
  }),
  ...optimizerFields,
  llama: v.record(v.string(), v.unknown()),
});

export type DecoderFixtureSettings = v.InferOutput<typeof settingsSchema>;

/** The fixture of parsed settings and tensors; throws E_FIELD with what is missing, so that nothing never passes. */
export function decoderFixture(raw: unknown, { tensors, integers }: SafetensorsFile): DecoderFixture {
  const settings = checkedSettings(settingsSchema, raw);
  const { r: rank, alpha, use_rslora: rsLora, target_modules } = settings.lora;
  const targets = target_modules === "all linear" ? ALL_DECODER_LINEAR : target_modules;
  const logits = tensors.get("fwd.logits");
  if (!logits) throw new RetuneError("E_FIELD", 'the safetensors file has no tensor "fwd.logits"');
  const fixture: DecoderFixture = {
    ...{ kind: settings.kind, settings, config: llamaConfigOf(settings.llama, "llama"), logits },
    lora: { rank, alpha, rsLora, targets },
    batches: settings.losses.map((_, step) => batchOf(integers, step)),
    ...{
      init: named(tensors, "init."),
      gradients: named(tensors, "grad1."),
      final: named(tensors, "final."),
    },
  };
  checkComplete(fixture);
  return fixture;
}

/** Names as PEFT has them → names.ts and lora.ts. */
function named(tensors: Weights, prefix: string): Weights {
  const found = new Map<string, TensorData>();
  for (const [name, tensor] of tensors) {
    if (!name.startsWith(prefix)) continue;
    const own = name
      .slice(prefix.length)
      .replace(/^base_model\.model\./, "")
      .replace(".base_layer.", ".")
      .replace(/\.(lora_[AB])\.default\./, ".$1.");
    found.set(own, tensor);
  }
  return found;
}

const UNSUPERVISED = -100;

function batchOf(integers: SafetensorsFile["integers"], step: number): DecoderBatch {
  const [ids, mask, labels] = ["input_ids", "attention_mask", "labels"].map((name) => {
    const found = integers.get(`batch${step}.${name}`);
    if (found?.shape.length === 2) return found;
    throw new RetuneError("E_FIELD", `the safetensors file lacks batch${step}.${name}`);
  });
  const [rows, width] = [ids!.shape[0]!, ids!.shape[1]!];
  if ([mask, labels].some((tensor) => tensor!.shape.join() !== ids!.shape.join())) {
    throw new RetuneError("E_FIELD", `batch${step}: ids, mask and labels differ in shape`);
  }
  const sequences = Array.from({ length: rows }, (_, row) => {
    const of = (values: Int32Array): number[] => [...values.subarray(row * width, (row + 1) * width)];
    const length = of(mask!.values).filter((kept) => kept !== 0).length;
    if (of(mask!.values).lastIndexOf(1) !== length - 1) {
      throw new RetuneError("E_FIELD", `batch${step}.attention_mask: row ${row} is padded on the left`);
    }
    const supervised = of(labels!.values).map((label) => label !== UNSUPERVISED);
    return { ids: of(ids!.values).slice(0, length), supervised: supervised.slice(0, length) };
  });
  return { sequences, width };
}

function checkComplete({ settings, config, lora, batches, logits, ...parts }: DecoderFixture): void {
  const steps = settings.total_steps ?? settings.losses.length;
  if (settings.losses.length > steps) {
    const text = `losses: ${settings.losses.length} numbers, but total_steps is ${steps}`;
    throw new RetuneError("E_FIELD", text);
  }
  const [model, low] = [llamaShapes(config), decoderLoraShapes(config, lora)];
  const expected: [string, Weights, ReadonlyMap<string, readonly number[]>][] = [
    ["init", parts.init, new Map([...model, ...low])],
    ["grad1", parts.gradients, low],
    ["final", parts.final, low],
  ];
  for (const [part, weights, shapes] of expected) {
    for (const [name, shape] of shapes) checkShape(`${part}.${name}`, weights.get(name)?.shape, shape);
    const unknown = [...weights.keys()].find((name) => !shapes.has(name) && name !== HEAD);
    if (unknown !== undefined) throw new RetuneError("E_FIELD", `tensor "${part}.${unknown}" has no place`);
  }
  const { sequences, width } = batches[0]!;
  checkShape("fwd.logits", logits.shape, [sequences.length, width, config.vocabSize]);
}

function checkShape(name: string, found: readonly number[] | undefined, wanted: readonly number[]): void {
  if (found?.join() === wanted.join()) return;
  const got = found ? `is [${found.join(", ")}]` : "is missing";
  throw new RetuneError("E_FIELD", `tensor "${name}" ${got}, expected [${wanted.join(", ")}]`);
}
