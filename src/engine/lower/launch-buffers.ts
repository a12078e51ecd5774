import type { AdamWLaunch, BufferId, Launch, SoftmaxRowsLaunch, Step } from "../plan.ts";
import type { AttentionReads, SequenceLaunch } from "../plan-sequence.ts";

/** Buffers that the steps of a chain read, in order, with repetitions. */
export function stepBuffers(steps: readonly Step[]): BufferId[] {
  return steps.flatMap((step) => {
    switch (step.kind) {
      case "scale":
      case "activation":
        return [];
      case "activationGradient":
        return [step.saved];
      case "subtractScaledRows":
        return [step.factors, step.matrix];
      case "dropout":
        return [step.counter];
      case "clip":
        return [step.norm];
      default:
        return [step.operand.buffer];
    }
  });
}

/** Every buffer a launch reads. */
export function readsOf(launch: Launch): BufferId[] {
  switch (launch.kind) {
    case "gather":
      return launch.copies.flatMap(({ table, indices }) => [table, indices]);
    case "scatter":
      return [launch.source, launch.indices];
    case "matmul":
      return [launch.a, launch.b, ...stepBuffers(launch.steps)];
    case "elementwise":
      return [launch.source.buffer, ...stepBuffers(launch.steps)];
    case "reduce":
      return launch.reductions.flatMap(({ source, times, factor }) => present([source, times, factor]));
    case "rowNormalize":
      return [launch.source];
    case "rowNormalizeGradient":
      return [launch.source, launch.upstream];
    case "softmaxRows":
      return softmaxReads(launch);
    case "sumSquares":
      return [launch.source];
    case "adamw":
      return adamwReads(launch);
    case "accumulate":
      return [launch.source, launch.target];
    default:
      return sequenceReads(launch);
  }
}

function sequenceReads(launch: SequenceLaunch): BufferId[] {
  switch (launch.kind) {
    case "layerNorm":
      return present([launch.source, launch.gamma, launch.beta]);
    case "layerNormGradient":
      return [launch.source, launch.gamma, launch.upstream];
    case "layerNormGamma":
      return [launch.source, launch.upstream];
    case "rotary":
      return [launch.source, launch.positions, launch.table];
    case "attention":
      return attentionReads(launch);
    case "attentionGradient":
      return [...attentionReads(launch), launch.out, launch.logSumExp, launch.upstream];
    case "storeRows":
      return [launch.source, launch.places, launch.store];
    case "cachedAttention":
      return [launch.queries, launch.keys, launch.values, launch.ranges];
    case "segmentMean":
      return [launch.source, launch.spans];
    case "segmentMeanGradient":
      return [launch.upstream, launch.spans];
    case "block":
      return [launch.source];
    default:
      return launch satisfies never;
  }
}

/** Every buffer a launch writes. */
export function writesOf(launch: Launch): BufferId[] {
  switch (launch.kind) {
    case "gather":
      return launch.copies.map(({ out }) => out);
    case "reduce":
      return launch.reductions.map(({ out }) => out);
    case "softmaxRows":
      return present([launch.loss, launch.coefficients, launch.queries?.beta]);
    case "attention":
      return present([launch.out, launch.logSumExp]);
    case "attentionGradient":
      return [launch.dQueries, launch.dKeys, launch.dValues];
    case "accumulate":
      return [launch.target];
    case "storeRows":
      return [launch.store];
    case "sumSquares":
      return [launch.partials];
    case "adamw":
      return [launch.weights, launch.moments, launch.log];
    default:
      return [launch.out];
  }
}

function softmaxReads({ logits, queries, positives, targets, groups }: SoftmaxRowsLaunch): BufferId[] {
  return present([logits, queries?.buffer, positives?.buffer, targets, groups?.rows, groups?.columns]);
}

function attentionReads({ queries, keys, values, ranges, dropout }: AttentionReads): BufferId[] {
  return present([queries, keys, values, ranges, dropout?.counter]);
}

function adamwReads(launch: AdamWLaunch): BufferId[] {
  const { weights, gradients, moments, learningRate, corrections, partials, loss } = launch;
  return present([weights, gradients, moments, learningRate, ...corrections, partials, loss?.rows]);
}

function present(buffers: readonly (BufferId | undefined)[]): BufferId[] {
  return buffers.filter((buffer) => buffer !== undefined);
}
