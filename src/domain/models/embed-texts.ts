import type { Backend } from "../../engine/backend.ts";
import type { Matrix } from "../matrix.ts";
import type { RunControl } from "../ports.ts";
import { SequenceTokenizer } from "../text/wordpiece.ts";
import { bert } from "./bert/bert.ts";
import { batchInputs } from "./bert/inputs.ts";
import { checkNamedWeights, encoderShapes } from "./bert/names.ts";
import { pooledUnit } from "./bert/pooling.ts";
import { frozenPrecisionOn, traceWeights, type FrozenPrecision } from "./bert/weights.ts";
import type { EncoderModel } from "./encoder-model.ts";
import { SequenceInference } from "./inference.ts";

/** An encoder of ours, ready to embed. */
export interface TextEmbedder {
  /** texts [n] → unit vectors [n, D] in the order given. Adds no instruction: the caller prefixes the texts. */
  embed(texts: readonly string[], control?: RunControl): Promise<Matrix>;
  /** Tokens of a text, its two special ones included, before the cut. */
  countTokens(text: string): number;
  dispose(): void;
}

export interface EmbedOptions {
  readonly tokens?: number; // of a batch; a longer text is a batch of its own
  /** "f16": stored in halves, summed in f32; vectors change in the third digit. Default: as `Backend.halfStorage` says. */
  readonly stored?: FrozenPrecision;
}

/** Opens a model on a backend: the same kernels that trained it. Throws E_MISMATCH or E_TOKENIZER for a broken model. */
export function openTextEmbedder(
  backend: Backend,
  model: EncoderModel,
  options: EmbedOptions = {},
): Promise<TextEmbedder> {
  return Promise.resolve().then(() => openNow(backend, model, options));
}

function openNow(backend: Backend, model: EncoderModel, options: EmbedOptions): TextEmbedder {
  const { config, weights, pooling, maxTokens } = model;
  const shapes = encoderShapes(config);
  checkNamedWeights(shapes, weights, model.name);
  const tokenizer = new SequenceTokenizer(model.tokenizer);
  const frozen = frozenPrecisionOn(backend, options.stored);
  const inference = new SequenceInference({
    backend,
    pooling,
    weights,
    width: config.hiddenSize,
    ...(options.tokens === undefined ? {} : { tokens: options.tokens }),
    trace: (graph, bucket) => {
      const batch = batchInputs(graph, bucket, pooling);
      const traced = traceWeights(graph, shapes, () => false, { frozen });
      return pooledUnit(bert(config, traced, batch), batch);
    },
  });
  const cut = Math.min(maxTokens, config.maxPositions);
  return {
    async embed(texts, control) {
      const sequences = texts.map((text) => tokenizer.encode(text, cut));
      const values = await inference.run(sequences, control);
      return { rows: texts.length, columns: config.hiddenSize, values };
    },
    countTokens: (text) => tokenizer.count(text) + 2,
    dispose: () => inference.dispose(),
  };
}
