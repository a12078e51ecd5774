import type { Dataset } from "./dataset.ts";
import type { ImportWarning } from "./import-report.ts";

/** Texts as compared for equality: Unicode-normalised, lower case, single spaces. */
export function comparable(text: string): string {
  return text.normalize("NFKC").toLowerCase().replace(/\s+/gu, " ").trim();
}

/** Warnings about questions or passages that stand in both sets: what is judged would then have been trained on. */
export function leaksBetween(training: Dataset, validation: Dataset): ImportWarning[] {
  const warnings: ImportWarning[] = [];
  for (const [what, key] of [
    ["questions", "queries"],
    ["passages", "passages"],
  ] as const) {
    const known = new Set(training[key].map((row) => comparable(row.text)));
    const count = validation[key].filter((row) => known.has(comparable(row.text))).length;
    if (count === 0) continue;
    const message = `${count} of ${validation[key].length} validation ${what} also stand in the training file`;
    warnings.push({ code: "leak", message, count });
  }
  return warnings;
}
