import { writeClusterFolder } from "../../domain/formats/cluster-folder.ts";
import type {
  ClusterLabels,
  ClusterLoss,
  ClusterRecipe,
  ClusterRow,
} from "../../domain/formats/cluster-folder.ts";
import { resolveSettings } from "../../domain/recipes/encoder/defaults.ts";
import type { ResolvedSettings } from "../../domain/recipes/encoder/defaults.ts";
import { shapeOf } from "../../domain/recipes/encoder/encoder-ground.ts";
import type { EncoderJob } from "../../domain/recipes/encoder/encoder-job.ts";
import { prepareSet } from "../../domain/recipes/encoder/encoder-set.ts";
import type { EncoderSet } from "../../domain/recipes/encoder/encoder-set.ts";
import type { LossShape } from "../../domain/recipes/encoder/loss-graph.ts";
import { BatchSchedule } from "../../domain/recipes/encoder/schedule.ts";
import { NO_DOCUMENT, trainingBatch } from "../../domain/recipes/encoder/training-batch.ts";
import type { TrainingBatch } from "../../domain/recipes/encoder/training-batch.ts";
import type { ExportedFolder } from "./tuned-exports.ts";

/** Data, order of batches, recipe and script that repeat an encoder's training on many GPUs, step by step. */
export function clusterFolder(job: EncoderJob): ExportedFolder {
  const settings = resolveSettings(job);
  const { set } = prepareSet(job, settings);
  const schedule = new BatchSchedule(set, settings);
  const shape = shapeOf(job, settings, set);
  const table = new RowTable(set, settings, shape);
  const batches = Array.from({ length: schedule.total }, (_, place) => {
    const { batch, epoch } = schedule.at(place);
    const turn = { epoch, step: place, borrow: settings.negativesPerQuestion > 0 };
    return table.rowsOf(trainingBatch(set, batch, shape, turn));
  });
  const files = writeClusterFolder(recipeOf(job, settings, shape), table.rows, batches);
  const verified = `${table.rows.length} pairs in ${batches.length} batches, in the order they are trained here`;
  return { files, verified };
}

/** Losses that read a re-ranker's scores. */
const TAUGHT: readonly ClusterLoss["kind"][] = ["cosent", "margin-mse", "kl-distillation"];

/** Every pair of a question and a passage with its wrong passages, once. */
class RowTable {
  readonly rows: ClusterRow[] = [];
  readonly #set: EncoderSet;
  readonly #settings: ResolvedSettings;
  readonly #shape: LossShape;
  readonly #known = new Map<string, number>();

  constructor(set: EncoderSet, settings: ResolvedSettings, shape: LossShape) {
    this.#set = set;
    this.#settings = settings;
    this.#shape = shape;
  }

  /** The rows of a step; trained again with the same wrong passages, a pair is the same row. */
  rowsOf({ questions, columns }: TrainingBatch): number[] {
    const size = this.#shape.questions;
    return questions.map((question, row) => {
      const [right, ...wrong] = Array.from(
        { length: 1 + this.#shape.negatives },
        (_, k) => columns[k * size + row]!,
      );
      const negatives = wrong.filter((passage) => passage !== NO_DOCUMENT);
      const key = [question, right, ...negatives].join(" ");
      const known = this.#known.get(key) ?? this.rows.push(this.#row(question, right!, negatives)) - 1;
      this.#known.set(key, known);
      return known;
    });
  }

  #row(question: number, passage: number, negatives: readonly number[]): ClusterRow {
    const { queries, passages } = this.#set.dataset;
    return {
      anchor: queries[question]!.text,
      positive: passages[passage]!.text,
      id: passages[passage]!.id,
      right: this.#set.positives[question]!.map((place) => passages[place]!.id),
      ...this.#labels(question, passage),
      negatives: negatives.map((wrong) => {
        const { id, text } = passages[wrong]!;
        return { id, text, ...this.#labels(question, wrong) };
      }),
    };
  }

  #labels(question: number, passage: number): ClusterLabels {
    const { kind } = this.#settings.loss;
    const score = (TAUGHT as readonly string[]).includes(kind)
      ? this.#set.teacher(question, passage)
      : undefined;
    return {
      ...(score === undefined ? {} : { score }),
      ...(kind === "cosent" ? { grade: this.#set.grade(question, passage) } : {}),
    };
  }
}

function recipeOf({ model, data }: EncoderJob, settings: ResolvedSettings, shape: LossShape): ClusterRecipe {
  const { learningRate, weightDecay, warmup, clip, dropout, maxTokens, seed, matryoshka, lora } = settings;
  return {
    ...{ learningRate, weightDecay, warmup, clip, dropout, maxTokens, seed, matryoshka },
    base: model.name,
    loss: lossOf(settings),
    width: model.config.hiddenSize,
    anchors:
      shape.anchors > 0
        ? { texts: data.anchors ?? [], perStep: shape.anchors, weight: settings.anchorWeight }
        : null,
    maskOtherPositives: settings.mode === "recommended",
    mostRight: shape.positives,
    prompts: model.prompts,
    lora: settings.recipe === "lora" ? lora : null,
  };
}

/** The loss with its defaults filled in. */
function lossOf({ loss }: ResolvedSettings): ClusterLoss {
  switch (loss.kind) {
    case "mnrl":
    case "cached-mnrl":
      return { kind: "mnrl", scale: loss.scale ?? 20 };
    case "symmetric-mnrl":
    case "cosent":
      return { kind: loss.kind, scale: loss.scale ?? 20 };
    case "triplet":
      return { kind: loss.kind, distance: loss.distance ?? "euclidean", margin: loss.margin ?? 5 };
    case "margin-mse":
      return { kind: loss.kind };
    case "kl-distillation":
      return { kind: loss.kind, temperature: loss.temperature ?? 1 };
  }
}
