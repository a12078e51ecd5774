import { writeClusterFolder } from "../../domain/formats/cluster-folder.ts";
import type { ClusterLoss, ClusterRow } from "../../domain/formats/cluster-folder.ts";
import { resolveSettings } from "../../domain/recipes/encoder/defaults.ts";
import type { ResolvedSettings } from "../../domain/recipes/encoder/defaults.ts";
import type { EncoderJob } from "../../domain/recipes/encoder/encoder-job.ts";
import { prepareSet } from "../../domain/recipes/encoder/encoder-set.ts";
import { BatchSchedule } from "../../domain/recipes/encoder/schedule.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { ExportedFolder } from "./tuned-exports.ts";

/** Data, order of batches, recipe and script that repeat an encoder's training on many GPUs. */
export function clusterFolder(job: EncoderJob): ExportedFolder {
  const settings = resolveSettings(job);
  const { set } = prepareSet(job, settings);
  const schedule = new BatchSchedule(set, settings);
  const { passages, queries } = job.data.dataset;
  const rows: ClusterRow[] = [];
  const known = new Map<string, number>();
  const rowOf = (question: number, passage: number): number => {
    const key = `${question} ${passage}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    rows.push({
      anchor: queries[question]!.text,
      positive: passages[passage]!.text,
      id: passages[passage]!.id,
      right: set.positives[question]!.map((place) => passages[place]!.id),
      negatives: set.negatives[question]!.slice(0, settings.negativesPerQuestion).map(
        (place) => passages[place]!.text,
      ),
    });
    known.set(key, rows.length - 1);
    return rows.length - 1;
  };
  const batches = Array.from({ length: schedule.total }, (_, place) => {
    const { batch } = schedule.at(place);
    return batch.questions.map((question, index) => rowOf(question, batch.passages[index]!));
  });
  const files = writeClusterFolder(recipeOf(job, settings), rows, batches);
  const verified = `${rows.length} pairs in ${batches.length} batches, in the order they are trained here`;
  return { files, verified };
}

function recipeOf(
  { model }: EncoderJob,
  settings: ResolvedSettings,
): Parameters<typeof writeClusterFolder>[0] {
  const { learningRate, weightDecay, warmup, clip, dropout, maxTokens, seed, matryoshka, lora } = settings;
  return {
    ...{ learningRate, weightDecay, warmup, clip, dropout, maxTokens, seed, matryoshka },
    base: model.name,
    loss: lossOf(settings),
    width: model.config.hiddenSize,
    maskOtherPositives: settings.mode === "recommended",
    prompts: model.prompts,
    lora: settings.recipe === "lora" ? lora : null,
  };
}

function lossOf({ loss }: ResolvedSettings): ClusterLoss {
  switch (loss.kind) {
    case "mnrl":
    case "cached-mnrl":
      return { kind: "mnrl", scale: loss.scale ?? 20 };
    case "symmetric-mnrl":
      return { kind: loss.kind, scale: loss.scale ?? 20 };
    case "triplet": {
      const distance = loss.distance ?? "euclidean";
      return { kind: "triplet", distance, margin: loss.margin ?? 5 };
    }
    default:
      throw new RetuneError(
        "unsupported",
        `The cluster's script has no ${loss.kind}; choose mnrl, symmetric-mnrl or triplet.`,
      );
  }
}
