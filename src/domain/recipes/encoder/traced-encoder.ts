import type { Graph, Tensor } from "../../../engine/graph.ts";
import type { Weights } from "../../matrix.ts";
import { bert } from "../../models/bert/bert.ts";
import type { DropoutSource } from "../../models/bert/dropout.ts";
import { batchInputs } from "../../models/bert/inputs.ts";
import { initialLora, loraShapes, withLora, type LoraShape } from "../../models/bert/lora.ts";
import { checkNamedWeights, encoderShapes } from "../../models/bert/names.ts";
import { pooled, pooledUnit } from "../../models/bert/pooling.ts";
import { traceWeights, type FrozenPrecision, type TracedWeights } from "../../models/bert/weights.ts";
import type { EncoderModel, LoraAdapter } from "../../models/encoder-model.ts";
import type { Bucket } from "../../text/pack.ts";
import type { ResolvedSettings } from "./defaults.ts";

/** An encoder under training: which tensors train, which are frozen, and how vectors are computed from them. */
export class TracedEncoder {
  readonly model: EncoderModel;
  readonly trained: ReadonlyMap<string, readonly number[]>; // shapes
  readonly frozen: Weights; // residents, by name
  readonly drops: boolean; // whether training reads "dropoutCounter"
  readonly #settings: ResolvedSettings;
  readonly #shapes: ReadonlyMap<string, readonly number[]>;
  readonly #lora: LoraShape | null;
  readonly #precision: FrozenPrecision;

  /** @param precision of the frozen matrices on the device */
  constructor(model: EncoderModel, settings: ResolvedSettings, precision: FrozenPrecision = "f32") {
    const { config, weights } = model;
    this.model = model;
    this.#settings = settings;
    this.#precision = precision;
    this.#shapes = encoderShapes(config);
    checkNamedWeights(this.#shapes, weights, model.name);
    const { rank, alpha, rsLora, targets, dropout } = settings.lora;
    this.#lora = settings.recipe === "lora" ? { rank, alpha, rsLora, targets } : null;
    this.trained = this.#lora ? loraShapes(config, this.#lora) : this.#shapes;
    this.frozen = this.#lora
      ? new Map([...this.#shapes.keys()].map((name) => [name, weights.get(name)!]))
      : new Map();
    const rates = [config.hiddenDropout, config.attentionDropout, this.#lora ? dropout : 0];
    this.drops = settings.dropout && rates.some((rate) => rate > 0);
  }

  /** What training starts from; equal seeds give equal LoRA matrices. */
  initial(): Weights {
    const { config, weights } = this.model;
    if (this.#lora) return initialLora(config, this.#lora, this.#settings.seed).weights;
    return new Map([...this.#shapes.keys()].map((name) => [name, weights.get(name)!]));
  }

  /** Vectors [S, D] as pooled, not normalised, and the tensors that train; reads "dropoutCounter" where it drops. */
  train(graph: Graph, bucket: Bucket): { readonly vectors: Tensor; readonly parameters: readonly Tensor[] } {
    const { config, pooling } = this.model;
    const batch = batchInputs(graph, bucket, pooling);
    const source = this.drops
      ? { seed: this.#settings.seed, counter: graph.input("dropoutCounter", "u32", [1]) }
      : undefined;
    const weights = this.#weights(graph, source);
    const hidden = bert(config, weights, batch, {
      recompute: this.#settings.recomputation,
      ...(source ? { dropout: source } : {}),
    });
    return { vectors: pooled(hidden, batch), parameters: weights.parameters() };
  }

  /** Vectors [S, D] as the model gives them: of unit length where it normalises; nothing is dropped. */
  embed(graph: Graph, bucket: Bucket): Tensor {
    const { config, pooling, normalize } = this.model;
    const batch = batchInputs(graph, bucket, pooling);
    const hidden = bert(config, this.#weights(graph, undefined), batch);
    return normalize ? pooledUnit(hidden, batch) : pooled(hidden, batch);
  }

  /** The model with trained weights in place of its own; LoRA: the base and an adapter beside it. */
  finished(
    weights: Weights,
  ):
    | { readonly kind: "encoder"; readonly model: EncoderModel }
    | { readonly kind: "lora"; readonly base: EncoderModel; readonly adapter: LoraAdapter } {
    if (this.#lora) return { kind: "lora", base: this.model, adapter: { ...this.#lora, weights } };
    const all = new Map([...this.model.weights, ...weights]); // a pooler stays as it was
    return { kind: "encoder", model: { ...this.model, weights: all } };
  }

  #weights(graph: Graph, dropout: DropoutSource | undefined): TracedWeights {
    const frozen = this.#precision;
    const base = traceWeights(graph, this.#shapes, () => this.#lora === null, { frozen });
    if (!this.#lora) return base;
    const rate = this.#settings.lora.dropout;
    return withLora(
      graph,
      this.model.config,
      base,
      this.#lora,
      dropout && rate > 0 ? { rate, source: dropout } : undefined,
    );
  }
}
