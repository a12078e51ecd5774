import type { Dataset } from "../../domain/data/dataset.ts";
import { rerankDatasetOf } from "../../domain/data/rerank-dataset.ts";
import type { RerankPair } from "../../domain/data/rerank-dataset.ts";
import type { LossNeed, LossNeeds, Recipe, Task } from "../studio-training.ts";
import { encoderData } from "./encoder-data.ts";

const NO_SEARCH = (): never => {
  throw new Error("Losses that are taught take no mined negatives.");
};

/** What each loss of each task lacks in these data; a loss that is not named lacks nothing. */
export function lossNeeds(
  train: Dataset,
  pairs: readonly RerankPair[],
): Readonly<Partial<Record<Task, LossNeeds>>> {
  const encoder = { ...taughtNeeds(train, pairs), ...cosentNeeds(train, pairs) };
  return { encoder, lora: encoder, "cross-encoder": rerankNeeds(pairs) };
}

/** The obstacle of a recipe's loss, or null. */
export function lossObstacle(needs: LossNeeds, { task, settings }: Recipe): string | null {
  if (task === "adapter" || task === "router") return null;
  if (task === "cross-encoder") return needs[settings.loss ?? ""]?.text ?? null;
  const need = needs[settings.loss?.kind ?? "mnrl"];
  const lifted = need?.mined === true && (settings.negativesPerQuestion ?? 0) > 0;
  return need && !lifted ? need.text : null;
}

function taughtNeeds(train: Dataset, pairs: readonly RerankPair[]): LossNeeds {
  const gaps = (["margin-mse", "kl-distillation"] as const).flatMap((kind) => {
    const { gap } = encoderData(train, NO_SEARCH, pairs, { loss: { kind }, seed: 0 });
    return gap?.blocks ? [[kind, { text: gap.text, mined: false }] as const] : [];
  });
  return Object.fromEntries(gaps);
}

/** CoSENT ranks pairs by what was given for them: with one grade everywhere and nothing wrong, there is no order. */
function cosentNeeds(train: Dataset, pairs: readonly RerankPair[]): LossNeeds {
  const { queries } = train;
  const grades = new Set(queries.flatMap(({ relevant }) => relevant.map(({ grade }) => grade)));
  const wrong = queries.some(({ negatives }) => (negatives?.length ?? 0) > 0);
  const settings = { loss: { kind: "cosent" }, seed: 0 } as const;
  const scored = encoderData(train, NO_SEARCH, pairs, settings).data.teacher !== undefined;
  if (grades.size > 1 || wrong || scored) return {};
  const text =
    "CoSENT orders pairs by their grade, and all judgements here have the same one: set “Hard negatives a question” to 1 " +
    "or more under Advanced, import {query, context, score} pairs on the Data screen, or choose MNRL.";
  return { cosent: { text, mined: true } };
}

function rerankNeeds(pairs: readonly RerankPair[]): LossNeeds {
  const taught = pairs.length > 0 && rerankDatasetOf(pairs).scores === "teacher";
  const need = (text: string): LossNeed => ({ text, mined: false });
  if (taught) {
    const text =
      "Right or wrong (BCE) needs scores from 0 to 1, and those imported are a re-ranker's: choose MarginMSE or Listwise.";
    return { bce: need(text) };
  }
  const text =
    "MarginMSE learns from another re-ranker's scores (logits), and there are none: import {query, context, score} pairs on " +
    "the Data screen, or choose BCE or Listwise.";
  return { "margin-mse": need(text) };
}
