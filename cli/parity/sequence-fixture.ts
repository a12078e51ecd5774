import * as v from "valibot";
import { bertConfigOf, type BertConfig } from "../../src/domain/models/bert/config.ts";
import { loraShapes, type LoraShape } from "../../src/domain/models/bert/lora.ts";
import { crossEncoderShapes, encoderShapes } from "../../src/domain/models/bert/names.ts";
import type { SafetensorsFile } from "../../src/domain/formats/safetensors.ts";
import type { TensorData, Weights } from "../../src/domain/matrix.ts";
import type { TokenSequence } from "../../src/domain/text/pack.ts";
import { RetuneError } from "../../src/engine/errors.ts";
import { checkedSettings, count, optimizerFields } from "./fixture-settings.ts";

/** A recorded training run of a BERT: pairs under in-batch negatives, or pairs of texts scored by a cross-encoder. */
export interface SequenceFixture {
  readonly kind: "encoder" | "cross-encoder";
  readonly settings: SequenceFixtureSettings;
  readonly config: BertConfig;
  readonly lora: LoraShape | undefined;
  readonly batches: readonly SequenceBatch[]; // one a step
  readonly init: Weights; // all weights before training, by the names of names.ts and lora.ts
  readonly gradients: Weights; // of the first step, before clipping
  readonly final: Weights; // what was trained
  readonly outputs: Weights; // "fwd.q", "final_fwd.q", "fwd.logits" …
}

export interface SequenceBatch {
  readonly queries: readonly TokenSequence[]; // of a cross-encoder: the pairs
  readonly documents: readonly TokenSequence[]; // of a cross-encoder: none
  readonly labels: Float32Array | undefined;
}

const settingsSchema = v.object({
  kind: v.picklist(["encoder", "cross-encoder"]),
  pooling: v.optional(v.picklist(["cls", "mean"]), "cls"),
  lora: v.nullish(
    v.object({
      r: count,
      alpha: v.number(),
      target_modules: v.array(v.string()),
      use_rslora: v.optional(v.boolean(), false),
    }),
  ),
  scale: v.optional(v.number(), 20),
  ...optimizerFields,
  no_decay: v.optional(v.array(v.string()), []),
  bert: v.record(v.string(), v.unknown()),
});

export type SequenceFixtureSettings = v.InferOutput<typeof settingsSchema>;

/** The fixture of parsed settings and tensors; throws E_FIELD with what is missing, so that nothing never passes. */
export function sequenceFixture(raw: unknown, { tensors, integers }: SafetensorsFile): SequenceFixture {
  const settings = checkedSettings(settingsSchema, raw);
  const config = bertConfigOf(settings.bert, "bert");
  const lora = settings.lora ? loraOf(settings.lora) : undefined;
  const batches = settings.losses.map((_, step) => batchOf(settings, tensors, integers, step));
  const named = (prefix: string): Weights => withPrefix(tensors, prefix);
  const outputs = [...tensors].filter(([name]) => /^(fwd|final_fwd)\./.test(name));
  const fixture: SequenceFixture = {
    ...{ kind: settings.kind, settings, config, lora, batches },
    ...{ init: named("init."), gradients: named("grad1."), final: named("final.") },
    outputs: new Map(outputs),
  };
  checkComplete(fixture);
  return fixture;
}

function loraOf(lora: NonNullable<SequenceFixtureSettings["lora"]>): LoraShape {
  return { rank: lora.r, alpha: lora.alpha, rsLora: lora.use_rslora, targets: lora.target_modules };
}

/** Every tensor of a run: the model's, then LoRA's. */
export function allShapes({
  kind,
  config,
  lora,
}: Pick<SequenceFixture, "kind" | "config" | "lora">): ReadonlyMap<string, readonly number[]> {
  const model = kind === "encoder" ? encoderShapes(config) : crossEncoderShapes(config);
  return lora ? new Map([...model, ...loraShapes(config, lora)]) : model;
}

/** What trains: everything, or LoRA's matrices. */
export function trainedNames(fixture: Pick<SequenceFixture, "kind" | "config" | "lora">): readonly string[] {
  const { config, lora } = fixture;
  return [...(lora ? loraShapes(config, lora) : allShapes(fixture)).keys()];
}

/** Names as PEFT and BertForSequenceClassification have them → names.ts and lora.ts. */
function withPrefix(tensors: Weights, prefix: string): Weights {
  const found = new Map<string, TensorData>();
  for (const [name, tensor] of tensors) {
    if (!name.startsWith(prefix)) continue;
    const own = name
      .slice(prefix.length)
      .replace(/^base_model\.model\./, "")
      .replace(/^bert\./, "")
      .replace(".base_layer.", ".")
      .replace(/\.(lora_[AB])\.default\./, ".$1.");
    found.set(own, tensor);
  }
  return found;
}

function batchOf(
  { kind }: SequenceFixtureSettings,
  tensors: Weights,
  integers: SafetensorsFile["integers"],
  step: number,
): SequenceBatch {
  const sequences = (prefix: string): TokenSequence[] => {
    const ids = integers.get(`batch${step}.${prefix}input_ids`);
    const mask = integers.get(`batch${step}.${prefix}attention_mask`);
    const types = integers.get(`batch${step}.${prefix}token_type_ids`);
    if (!ids || ids.shape.length !== 2 || mask?.shape.join() !== ids.shape.join()) {
      const text = `the safetensors file lacks batch${step}.${prefix}input_ids with its attention_mask`;
      throw new RetuneError("E_FIELD", text);
    }
    const [rows, width] = [ids.shape[0]!, ids.shape[1]!];
    return Array.from({ length: rows }, (_, row) => {
      const kept = (values: Int32Array): number[] =>
        [...values.subarray(row * width, (row + 1) * width)].filter(
          (_, column) => mask.values[row * width + column] !== 0,
        );
      return { ids: kept(ids.values), types: types ? kept(types.values) : kept(ids.values).map(() => 0) };
    });
  };
  if (kind === "encoder") return { queries: sequences("q."), documents: sequences("d."), labels: undefined };
  const queries = sequences("");
  const labels = tensors.get(`batch${step}.labels`)?.values;
  if (labels?.length !== queries.length) {
    const text = `batch${step}.labels: ${labels?.length ?? "no"} values for ${queries.length} pairs`;
    throw new RetuneError("E_FIELD", text);
  }
  return { queries, documents: [], labels };
}

function checkComplete(fixture: SequenceFixture): void {
  const { settings, kind, outputs } = fixture;
  const steps = settings.total_steps ?? settings.losses.length;
  if (settings.losses.length > steps) {
    const text = `losses: ${settings.losses.length} numbers, but total_steps is ${steps}`;
    throw new RetuneError("E_FIELD", text);
  }
  const shapes = allShapes(fixture);
  const parts: [string, Weights, Iterable<string>][] = [
    ["init", fixture.init, shapes.keys()],
    ["grad1", fixture.gradients, trainedNames(fixture)],
    ["final", fixture.final, trainedNames(fixture)],
  ];
  for (const [part, weights, names] of parts) {
    for (const name of names) {
      const found = weights.get(name)?.shape.join(", ");
      const wanted = shapes.get(name)!.join(", ");
      if (found === wanted) continue;
      const text = `tensor "${part}.${name}" ${found === undefined ? "is missing" : `is [${found}]`}, expected [${wanted}]`;
      throw new RetuneError("E_FIELD", text);
    }
  }
  const wanted = kind === "encoder" ? ["fwd.q", "fwd.d", "final_fwd.q"] : ["fwd.logits"];
  const lost = wanted.find((name) => !outputs.has(name));
  if (lost !== undefined) throw new RetuneError("E_FIELD", `the safetensors file has no tensor "${lost}"`);
}
