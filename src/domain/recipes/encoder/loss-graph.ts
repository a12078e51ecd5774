// Each loss as a traced function of a batch's vectors, and the numbers it is fed. Vectors stand in E [S, W] by sequence; a
// loss sees queries [B, W] and documents [(1 + K)·B, W], gathered by row: row i is question i's passage, row (1 + k)·B + i
// its k-th negative. A batch of b < B questions feeds rows that take no part.
import type { Graph, Tensor } from "../../../engine/graph.ts";
import { add, scaleBy } from "../../../engine/ops/elementwise.ts";
import { gather, l2Normalize } from "../../../engine/ops/rows.ts";
import { rows } from "../../../engine/ops/slices.ts";
import { anchorLoss } from "../../losses/anchor.ts";
import { cosentLoss } from "../../losses/cosent.ts";
import { klDistillationLoss } from "../../losses/kl-distillation.ts";
import { marginMseLoss } from "../../losses/margin-mse.ts";
import { matryoshkaLoss } from "../../losses/matryoshka.ts";
import { rankingLoss } from "../../losses/ranking.ts";
import { symmetricLoss } from "../../losses/symmetric.ts";
import { tripletLoss } from "../../losses/triplet.ts";
import { DEFAULTS, type ResolvedSettings } from "./defaults.ts";
import type { EncoderLoss } from "./encoder-job.ts";

/** What a step is compiled for, beside its bucket. */
export interface LossShape {
  readonly questions: number; // B
  readonly negatives: number; // K, of each question
  readonly positives: number; // P, positive columns of a question at most
  readonly anchors: number; // A
  readonly width: number; // W
}

type PairLoss = (queries: Tensor, documents: Tensor) => Tensor;

/** E [S, W], as pooled or of unit length → the loss of the step. Its leaves are fed by `loss-feeds.ts`. */
export function traceLoss(
  embeddings: Tensor,
  settings: ResolvedSettings,
  shape: LossShape,
  unit: boolean,
): Tensor {
  const { graph } = embeddings;
  const { loss, matryoshka, anchorWeight } = settings;
  const [queryRows, documentRows] = [
    graph.input("queryRows", "u32", [shape.questions]),
    graph.input("documentRows", "u32", [(1 + shape.negatives) * shape.questions]),
  ];
  const pairLoss = tracePairLoss(graph, loss, shape);
  const ofVectors = (vectors: Tensor): Tensor =>
    pairLoss(gather(vectors, queryRows), gather(vectors, documentRows));
  const seen = unit && readsLengths(loss) && !matryoshka ? l2Normalize(embeddings) : embeddings;
  const main = matryoshka ? matryoshkaLoss(embeddings, ofVectors, matryoshka) : ofVectors(seen);
  if (anchorWeight === 0) return main;
  const held = anchorTerm(graph, embeddings, shape, unit);
  return add(main, scaleBy(held, anchorWeight));
}

/** Whether a loss depends on the length of vectors: those over cosines normalise by themselves. */
function readsLengths({ kind, ...options }: EncoderLoss): boolean {
  if (kind === "triplet") return !("distance" in options && options.distance === "cosine");
  return kind === "margin-mse" || kind === "kl-distillation";
}

function anchorTerm(graph: Graph, embeddings: Tensor, shape: LossShape, unit: boolean): Tensor {
  const own = gather(embeddings, graph.input("anchorRows", "u32", [shape.anchors]));
  const base = graph.input("anchorBase", "f32", [shape.anchors, shape.width]);
  return anchorLoss(unit ? l2Normalize(own) : own, base);
}

function tracePairLoss(graph: Graph, loss: EncoderLoss, shape: LossShape): PairLoss {
  const { questions, negatives } = shape;
  const scale = "scale" in loss ? (loss.scale ?? DEFAULTS.scale) : DEFAULTS.scale;
  switch (loss.kind) {
    case "mnrl":
    case "cached-mnrl":
      return traceRanking(graph, scale, shape);
    case "symmetric-mnrl":
      return traceSymmetric(graph, scale, shape);
    case "triplet":
      return traceTriplet(graph, loss, questions);
    case "cosent":
      return traceCosent(graph, scale, questions * (1 + negatives));
    case "margin-mse": {
      const margins = graph.input("margins", "f32", [questions, negatives]);
      const shares = graph.input("shares", "f32", [questions, negatives]);
      return (queries, documents) => marginMseLoss(queries, documents, { margins, shares });
    }
    case "kl-distillation":
      return traceKl(graph, loss.temperature ?? 1, questions, questions * (1 + negatives));
  }
}

function rankingLeaves(graph: Graph, { questions, negatives, positives }: LossShape) {
  return {
    positives: graph.input("positives", "u32", [questions, positives]),
    mask: {
      rows: graph.input("rowGroups", "u32", [questions]),
      columns: graph.input("columnGroups", "u32", [(1 + negatives) * questions]),
    },
    correction: graph.scalar("correction"),
  };
}

function traceRanking(graph: Graph, scale: number, shape: LossShape): PairLoss {
  const leaves = rankingLeaves(graph, shape);
  return (queries, documents) => rankingLoss(queries, documents, { scale, ...leaves });
}

function traceSymmetric(graph: Graph, scale: number, shape: LossShape): PairLoss {
  const leaves = rankingLeaves(graph, shape);
  const backward = {
    positives: graph.input("backwardPositives", "u32", [shape.questions, shape.positives]),
    mask: {
      rows: leaves.mask.rows,
      columns: graph.input("questionGroups", "u32", [shape.questions]),
    },
  };
  return (queries, documents) => symmetricLoss(queries, documents, { scale, ...leaves, backward });
}

function traceTriplet(
  graph: Graph,
  { distance, margin }: Extract<EncoderLoss, { kind: "triplet" }>,
  questions: number,
): PairLoss {
  const shares = graph.input("shares", "f32", [questions, 1]);
  const options = { shares, ...(distance ? { distance } : {}), ...(margin === undefined ? {} : { margin }) };
  return (queries, documents) =>
    tripletLoss(queries, rows(documents, 0, questions), rows(documents, questions, questions), options);
}

function traceCosent(graph: Graph, scale: number, pairs: number): PairLoss {
  const lower = graph.input("lower", "f32", [pairs, pairs]);
  const identity = graph.input("identity", "f32", [pairs, pairs]);
  const repeated = graph.input("repeatedQueries", "u32", [pairs]);
  return (queries, documents) => cosentLoss(gather(queries, repeated), documents, { scale, lower, identity });
}

function traceKl(graph: Graph, temperature: number, questions: number, columns: number): PairLoss {
  const targets = graph.input("targets", "f32", [questions, columns]);
  const mask = graph.input("candidates", "f32", [questions, columns]);
  const correction = graph.scalar("correction");
  return (queries, documents) =>
    klDistillationLoss(queries, documents, { temperature, targets, mask, correction });
}
