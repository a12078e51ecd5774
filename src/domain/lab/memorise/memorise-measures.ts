import type { LabMeasure } from "../lab-task.ts";
import { perplexityOf } from "../distil/distil.ts";

const share = { better: "higher", unit: "share" } as const;

/** In the order in which they are shown; the first decides the verdict. */
export const MEMORISE_MEASURES: readonly LabMeasure[] = [
  {
    key: "seen",
    label: "Learnt questions",
    meaning: "Questions that were learnt and are answered exactly, without anything to look up in.",
    ...share,
  },
  {
    key: "paraphrased",
    label: "Paraphrases",
    meaning: "The same facts asked in words that were never learnt.",
    ...share,
  },
  {
    key: "control",
    label: "Controls",
    meaning: "Facts that were never learnt: what rises here was guessed, not learnt.",
    ...share,
  },
  {
    key: "seenF1",
    label: "Learnt, words",
    meaning: "Words in common with the learnt answers (F1).",
    ...share,
  },
  {
    key: "paraphrasedF1",
    label: "Paraphrases, words",
    meaning: "Words in common with the answers to paraphrases (F1).",
    ...share,
  },
  {
    key: "controlF1",
    label: "Controls, words",
    meaning: "Words in common with answers that were never learnt (F1): how alike answers are anyway.",
    ...share,
  },
  {
    key: "verbatim",
    label: "Word for word",
    meaning: "Learnt answers that are continued word for word from their beginning.",
    ...share,
  },
  {
    key: "exposure",
    label: "Canary exposure",
    meaning:
      "How far a secret that stood once among the rows can be drawn out again, in bits: 0 would be not at all.",
    ...{ better: "lower", unit: "number" },
  },
  {
    key: "replayPerplexity",
    label: "Forgetting",
    meaning: "How surprised the model is by what it could do before: a rise is forgetting.",
    ...{ better: "lower", unit: "number" },
    summary: (answers) => perplexityOf(answers, "replay"),
  },
  {
    key: "ragSeen",
    label: "Learnt questions with RAG",
    meaning:
      "The same questions with the passages that a search brings: what memorising has to be better than.",
    ...share,
  },
  {
    key: "ragParaphrased",
    label: "Paraphrases with RAG",
    meaning: "Paraphrases with the passages that a search brings.",
    ...share,
  },
  {
    key: "ragControl",
    label: "Controls with RAG",
    meaning: "Facts that were never learnt, with the passages that a search brings.",
    ...share,
  },
];
