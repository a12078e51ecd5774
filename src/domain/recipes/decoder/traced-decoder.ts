import { RetuneError } from "../../../engine/errors.ts";
import type { Graph, Tensor } from "../../../engine/graph.ts";
import type { TensorData, Weights } from "../../matrix.ts";
import type { DropoutSource } from "../../models/bert/dropout.ts";
import type { DecoderBase } from "../../models/decoder-model.ts";
import type { LoraAdapter } from "../../models/encoder-model.ts";
import type { FrozenKind } from "../../models/llama/frozen.ts";
import type { LlamaConfig } from "../../models/llama/config.ts";
import { decoderInputs } from "../../models/llama/inputs.ts";
import { decoderLoraShapes, initialDecoderLora, withDecoderLora } from "../../models/llama/lora.ts";
import { llamaShapes } from "../../models/llama/names.ts";
import { supervisedLoss } from "../../models/llama/supervision.ts";
import { traceLlama, type DecoderWeights } from "../../models/llama/weights.ts";
import type { Bucket } from "../../text/pack.ts";
import type { ResolvedDecoderSettings } from "./decoder-defaults.ts";
import type { TrainedDecoder } from "./decoder-run.ts";

/** What an executable over packed rows is compiled for. */
export interface RowSizes {
  readonly bucket: Bucket;
  readonly places: number; // of rows that predict a learnt token
}

/** A decoder under training: which tensors train, which are frozen, and how the loss is computed from them. */
export class TracedDecoder {
  readonly config: LlamaConfig;
  readonly trained: ReadonlyMap<string, readonly number[]>; // shapes
  readonly frozenParameters: number; // numbers in the base that do not train
  readonly positions: number; // no row is longer
  readonly drops: boolean; // whether training reads "dropoutCounter"
  readonly #settings: ResolvedDecoderSettings;
  readonly #precision: FrozenKind;

  /** @param precision of the frozen matrices on the device */
  constructor(
    config: LlamaConfig,
    settings: ResolvedDecoderSettings,
    positions: number,
    precision: FrozenKind,
  ) {
    [this.config, this.#settings, this.positions, this.#precision] = [config, settings, positions, precision];
    const { lora } = settings;
    this.trained = lora ? decoderLoraShapes(config, lora, lora) : llamaShapes(config);
    this.frozenParameters = lora ? countOf(llamaShapes(config)) : 0;
    this.drops = (lora?.dropout ?? 0) > 0;
  }

  get trainedParameters(): number {
    return countOf(this.trained);
  }

  /** What training starts from; equal seeds give equal LoRA matrices. Throws E_MISMATCH for an adapter of another shape. */
  async initial(base: DecoderBase, adapter?: LoraAdapter): Promise<Weights> {
    const { lora, seed } = this.#settings;
    if (lora && !adapter) return initialDecoderLora(this.config, lora, seed, lora).weights;
    const weights = new Map<string, TensorData>();
    for (const [name, shape] of this.trained) {
      const found = lora ? adapter!.weights.get(name) : await base.weights.tensor(name);
      if (found?.shape.join() !== shape.join()) {
        const got = found ? `is [${found.shape.join(", ")}]` : "is missing";
        const text = `the adapter to go on from: ${name} ${got}, this base needs [${shape.join(", ")}]`;
        throw new RetuneError("E_MISMATCH", `${text}; choose the base it was trained on`);
      }
      weights.set(name, found);
    }
    return weights;
  }

  /** The loss of a batch, a scalar, and the tensors that train; reads "dropoutCounter" where it drops. */
  train(graph: Graph, sizes: RowSizes): { readonly loss: Tensor; readonly parameters: readonly Tensor[] } {
    const { seed } = this.#settings;
    const source = this.drops ? { seed, counter: graph.input("dropoutCounter", "u32", [1]) } : undefined;
    const weights = this.weights(graph, source);
    return { loss: this.#loss(graph, weights, sizes), parameters: weights.parameters() };
  }

  /** The loss of a batch as the model is asked: nothing is dropped. */
  look(graph: Graph, sizes: RowSizes): Tensor {
    return this.#loss(graph, this.weights(graph, undefined), sizes);
  }

  /** Leaves of the model with what was learnt beside it. */
  weights(graph: Graph, dropout: DropoutSource | undefined): DecoderWeights {
    const { lora } = this.#settings;
    const base = traceLlama(graph, this.config, () => lora === null, { frozen: this.#precision });
    if (!lora) return base;
    return withDecoderLora(graph, this.config, base, lora, {
      from: lora.from,
      ...(dropout ? { dropout: { rate: lora.dropout, source: dropout } } : {}),
    });
  }

  finished(base: DecoderBase, weights: Weights): TrainedDecoder["tuned"] {
    const { lora } = this.#settings;
    if (!lora) return { kind: "full", base, weights };
    const { rank, alpha, rsLora, targets } = lora;
    return { kind: "lora", base, adapter: { rank, alpha, rsLora, targets, weights } };
  }

  #loss(graph: Graph, weights: DecoderWeights, { bucket, places }: RowSizes): Tensor {
    const inputs = decoderInputs(graph, this.config, bucket, this.positions);
    const recompute = this.#settings.recomputation ?? activationBytes(this.config, bucket) > MUCH_ACTIVATION;
    return supervisedLoss(this.config, weights, inputs, places, { recompute });
  }
}

const MUCH_ACTIVATION = 192 * 2 ** 20; // kept for the backward pass; results are the same bits either way

/** About what the layers of a batch keep for the backward pass: some ten rows as wide as the model, five as wide as its inside. */
function activationBytes({ layers, hiddenSize, intermediateSize }: LlamaConfig, { rows }: Bucket): number {
  return 4 * rows * layers * (10 * hiddenSize + 5 * intermediateSize);
}

function countOf(shapes: ReadonlyMap<string, readonly number[]>): number {
  let sum = 0;
  for (const shape of shapes.values()) sum += shape.reduce((product, size) => product * size, 1);
  return sum;
}
