import type { Backend } from "../../engine/backend.ts";
import type { RunControl } from "../ports.ts";
import { SequenceTokenizer } from "../text/wordpiece.ts";
import { batchInputs } from "./bert/inputs.ts";
import { pairLogits } from "./bert/classifier.ts";
import { checkNamedWeights, crossEncoderShapes } from "./bert/names.ts";
import { frozenPrecisionOn, traceWeights } from "./bert/weights.ts";
import type { EmbedOptions } from "./embed-texts.ts";
import type { CrossEncoderModel } from "./encoder-model.ts";
import { SequenceInference } from "./inference.ts";

/** A query with a passage. */
export type TextPair = readonly [query: string, passage: string];

/** A cross-encoder of ours, ready to score. */
export interface PairScorer {
  /** pairs [n] → logits [n] in the order given; `shownScore` turns one into what the model shows. */
  score(pairs: readonly TextPair[], control?: RunControl): Promise<Float32Array>;
  dispose(): void;
}

/** The score of a logit: 1/(1 + e⁻ˣ), or the logit itself. */
export function shownScore(model: CrossEncoderModel, logit: number): number {
  return model.activation === "sigmoid" ? 1 / (1 + Math.exp(-logit)) : logit;
}

/** Opens a cross-encoder on a backend. Throws E_MISMATCH or E_TOKENIZER for a broken model. */
export function openPairScorer(
  backend: Backend,
  model: CrossEncoderModel,
  options: EmbedOptions = {},
): Promise<PairScorer> {
  return Promise.resolve().then(() => openNow(backend, model, options));
}

function openNow(backend: Backend, model: CrossEncoderModel, options: EmbedOptions): PairScorer {
  const { config, weights, maxTokens } = model;
  const shapes = crossEncoderShapes(config);
  checkNamedWeights(shapes, weights, model.name);
  const tokenizer = new SequenceTokenizer(model.tokenizer);
  const frozen = frozenPrecisionOn(backend, options.stored);
  const inference = new SequenceInference({
    backend,
    pooling: "cls",
    weights,
    width: 1,
    ...(options.tokens === undefined ? {} : { tokens: options.tokens }),
    trace: (graph, bucket) =>
      pairLogits(
        config,
        traceWeights(graph, shapes, () => false, { frozen }),
        batchInputs(graph, bucket, "cls"),
      ),
  });
  const cut = Math.min(maxTokens, config.maxPositions);
  return {
    score: (pairs, control) =>
      inference.run(
        pairs.map(([query, passage]) => tokenizer.encodePair(query, passage, cut)),
        control,
      ),
    dispose: () => inference.dispose(),
  };
}
