import type { LabRetrieval } from "../../app/studio-lab.ts";
import { count, duration, percent, plural, significant } from "../format.ts";

/** RA-DIT's second half in words: "search" is what brings passages, "model" what answers over them. */
export const labRetrieval = {
  title: (learnt: boolean): string => (learnt ? "The search learnt, too" : "The search stays as it was"),
  lead: "After the model, the search was tuned: it now prefers the passages that helped the model to answer.",
  unchanged: "No round of tuning came nearer to what helps the model, so nothing was changed in the search.",
  hits: ({ hits: { base, tuned } }: LabRetrieval): string =>
    base && tuned
      ? `The right passage comes first for ${percent(tuned.hitAt1, 1)} of the held-out questions; before, for ${percent(base.hitAt1, 1)}.`
      : "No held-out row names its right passage, so nobody can count how often it comes first.",
  divergence: ({ divergence, heldOut }: LabRetrieval): string => {
    const held = heldOut
      ? `; on questions kept aside ${significant(heldOut.before)} before, ${significant(heldOut.after)} after`
      : "";
    return `How far its order is from what helps the model (KL divergence, 0 is the same): ${significant(divergence.before)} before, ${significant(divergence.after)} after${held}.`;
  },
  tableTitle: "Both models over both searches",
  tableText:
    "Each cell answers the same held-out questions. Changes, in points, are against the first cell, with 95 % intervals.",
  searches: { base: "Search as it was", tuned: "Tuned search" },
  models: { base: "Base model", tuned: "Tuned model" },
  shown: { exactMatch: "Exact match", tokenF1: "Word F1" },
  work: ({ scored, passages, seconds, retriever }: LabRetrieval): string =>
    `The model read ${plural(scored, "pair", "pairs")} of question and passage, out of ${plural(passages, "passage", "passages")}, in ${duration(seconds)}. ${
      retriever === "words"
        ? "The search compares words; its adapter turns the vectors of questions only."
        : `The search uses ${retriever}; its adapter turns the vectors of questions only.`
    }`,
  epoch: (epoch: number): string => `The weights of round ${count(epoch)} are kept.`,
} as const;
