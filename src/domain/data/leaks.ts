import { rightPassages, type Dataset } from "./dataset.ts";
import type { ImportWarning } from "./import-report.ts";

/** Texts as compared for equality: Unicode-normalised, lower case, single spaces. */
export function comparable(text: string): string {
  return text.normalize("NFKC").toLowerCase().replace(/\s+/gu, " ").trim();
}

/**
 * Warnings about questions, and passages that answer one, in both sets: what is judged would then have been trained on.
 * A passage that only stands in both corpora is a distractor, not a leak.
 */
export function leaksBetween(training: Dataset, validation: Dataset): ImportWarning[] {
  const questions = ({ queries }: Dataset): string[] => queries.map(({ text }) => comparable(text));
  const warnings: ImportWarning[] = [];
  for (const [what, textsOf] of [
    ["questions", questions],
    ["answering passages", answers],
  ] as const) {
    const known = new Set(textsOf(training));
    const judged = textsOf(validation);
    const count = judged.filter((text) => known.has(text)).length;
    if (count === 0) continue;
    const message = `${count} of ${judged.length} validation ${what} also stand in the training file`;
    warnings.push({ code: "leak", message, count });
  }
  return warnings;
}

/** The leaks as sentences, for the notes of a run. */
export function leakNotes(training: Dataset, validation: Dataset): string[] {
  return leaksBetween(training, validation).map(({ message }) => `${message}.`);
}

/** Texts of the passages that answer a question. */
function answers({ queries, passages }: Dataset): string[] {
  const right = new Set(queries.flatMap((query) => [...rightPassages(query)]));
  return passages.filter(({ id }) => right.has(id)).map(({ text }) => comparable(text));
}
