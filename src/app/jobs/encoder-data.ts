import { rightPassages, type Dataset } from "../../domain/data/dataset.ts";
import { MINING_DEFAULTS } from "../../domain/data/mining/settings.ts";
import { hasOwnNegatives, mineNegatives, negativesById, negativesOf } from "../../domain/data/negatives.ts";
import { rerankDatasetOf } from "../../domain/data/rerank-dataset.ts";
import type { RerankPair } from "../../domain/data/rerank-dataset.ts";
import type { Matrix } from "../../domain/matrix.ts";
import type { EncoderData, EncoderSettings } from "../../domain/recipes/encoder/encoder-job.ts";
import { RetuneError } from "../../engine/errors.ts";

type Chosen = Pick<EncoderSettings, "loss" | "negativesPerQuestion" | "seed">;
type Teacher = NonNullable<EncoderData["teacher"]>;

/** Losses that learn from a re-ranker's scores of a question's right and wrong passages. */
const TAUGHT: readonly string[] = ["margin-mse", "kl-distillation"];

/** Whether negatives are mined: asked for by number, or needed by a triplet; a taught loss takes what was scored. */
export function minesNegatives({ loss, negativesPerQuestion }: Chosen): boolean {
  if (TAUGHT.includes(loss?.kind ?? "mnrl")) return false;
  return loss?.kind === "triplet" || (negativesPerQuestion ?? 0) > 0;
}

/**
 * What an encoder trains on: the dataset, its questions' own negatives, for others those mined from `first` (scores
 * [questions, passages]) where the settings take them, and the scores of imported pairs where the loss learns from a
 * teacher; there the scored wrong passages are the negatives, best first. CoSENT ranks what was scored, by whatever
 * scale, where pairs are given. `gap` says what the loss lacks.
 */
export function encoderData(
  dataset: Dataset,
  first: () => Matrix,
  pairs: readonly RerankPair[],
  settings: Chosen,
): { readonly data: EncoderData; readonly gap: LossGap | null } {
  const kind = settings.loss?.kind ?? "mnrl";
  if (TAUGHT.includes(kind)) return taughtData(dataset, pairs, kind);
  if (kind === "cosent" && pairs.length > 0) {
    const scored = scoredData(dataset, pairs);
    if (scored.taught > 0) return { data: scored.data, gap: null };
  }
  const own = hasOwnNegatives(dataset) && settings.negativesPerQuestion !== 0;
  const fresh = minesNegatives(settings);
  if (!own && !fresh) return { data: { dataset }, gap: null };
  const { negativesPerQuestion: count = 1, seed } = settings;
  const mining = { ...MINING_DEFAULTS, negatives: count, random: 0, rangeMax: Math.max(30, 3 * count), seed };
  const found = negativesOf(dataset, fresh ? () => mineNegatives(dataset, first(), mining) : null);
  return { data: { dataset, negatives: negativesById(dataset, found) }, gap: null };
}

/** What a loss lacks: it cannot train at all, or only on some questions. */
export interface LossGap {
  readonly text: string;
  readonly blocks: boolean;
}

/** The data, or "too-little-data" where the loss has nothing to learn from. */
export function requiredEncoderData(...given: Parameters<typeof encoderData>): {
  readonly data: EncoderData;
  readonly notes: readonly string[];
} {
  const { data, gap } = encoderData(...given);
  if (gap?.blocks) throw new RetuneError("too-little-data", gap.text);
  return { data, notes: gap ? [gap.text] : [] };
}

function taughtData(
  dataset: Dataset,
  pairs: readonly RerankPair[],
  kind: string,
): ReturnType<typeof encoderData> {
  const { data, taught } = scoredData(dataset, rerankDatasetOf(pairs).scores === "teacher" ? pairs : []);
  const all = dataset.queries.length;
  return { data, gap: taught < all ? gapOf(kind, taught, all) : null };
}

/** Scores of a dataset's questions; `taught` counts those with a right and a wrong passage among what was scored. */
function scoredData(
  dataset: Dataset,
  pairs: readonly RerankPair[],
): { readonly data: EncoderData; readonly taught: number } {
  const teacher = teacherOf(dataset, pairs);
  const negatives: Record<string, readonly string[]> = {};
  let taught = 0;
  for (const query of dataset.queries) {
    const { id } = query;
    const right = rightPassages(query);
    const scored = Object.entries(teacher[id] ?? {}).sort(([, a], [, b]) => b - a);
    negatives[id] = scored.flatMap(([passage]) => (right.has(passage) ? [] : [passage]));
    if (negatives[id].length > 0 && scored.some(([passage]) => right.has(passage))) taught++;
  }
  return { data: { dataset, negatives, teacher }, taught };
}

const LOSS_NAMES: Readonly<Record<string, string>> = {
  "margin-mse": "MarginMSE",
  "kl-distillation": "KL distillation",
};

function gapOf(kind: string, taught: number, all: number): LossGap {
  const needs = `${LOSS_NAMES[kind] ?? kind} learns from a re-ranker's scores (logits) of right and wrong passages`;
  if (taught > 0) {
    const text = `${needs}: ${taught} of ${all} training questions have both; the others teach nothing.`;
    return { text, blocks: false };
  }
  const next = "import {query, context, score} pairs of these questions on the Data screen, or choose MNRL";
  return { text: `${needs}, and no training question has both: ${next}.`, blocks: true };
}

/** Scores by question and passage id; texts are matched to those of the dataset, copies of a text alike. */
function teacherOf({ queries, passages }: Dataset, pairs: readonly RerankPair[]): Teacher {
  const [asked, read] = [idsByText(queries), idsByText(passages)];
  const teacher: Record<string, Record<string, number>> = {};
  for (const { query, context, score } of pairs) {
    for (const question of asked.get(query.trim()) ?? []) {
      for (const passage of read.get(context.trim()) ?? []) (teacher[question] ??= {})[passage] ??= score;
    }
  }
  return teacher;
}

function idsByText(rows: readonly { readonly id: string; readonly text: string }[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { id, text } of rows) {
    const ids = found.get(text.trim());
    if (ids) ids.push(id);
    else found.set(text.trim(), [id]);
  }
  return found;
}
