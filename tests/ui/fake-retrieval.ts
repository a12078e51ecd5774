import type { LabResults, LabRetrieval, LabRunView, LabSummary } from "../../src/app/studio-lab.ts";
import type { LabFigure } from "../../src/domain/lab/compare.ts";
import type { RaditCell, RaditSide } from "../../src/domain/lab/radit/radit-table.ts";

const NAMES = [
  ["exactMatch", "Exact match"],
  ["tokenF1", "Word F1"],
] as const;

/** A cell with its first two measures against the first cell's. */
function cellOf(retriever: RaditSide, model: RaditSide, values: readonly [number, number]): RaditCell {
  const against = NAMES.map(([key, label], at): LabFigure => {
    const base = FIRST[at]!;
    const value = values[at]! - base;
    return {
      ...{ key, label, meaning: "", better: "higher", unit: "share", base, tuned: values[at]!, rows: 50 },
      delta: { value, low: value - 0.11, high: value + 0.1, p: value > 0.11 ? 0.002 : 0.4 },
      verdict: value > 0.11 ? "better" : "cannot-tell",
      mcnemar: null,
    };
  });
  const first = retriever === "base" && model === "base";
  const figures = { exactMatch: values[0], tokenF1: values[1] };
  return { retriever, model, figures, against: first ? [] : against };
}

const FIRST = [0.6, 0.81] as const;

export const RETRIEVAL: LabRetrieval = {
  ...{ retriever: "words", passages: 260, scored: 1042, seconds: 9.3, epoch: 18, losses: [0.6, 0.3, 0.2] },
  divergence: { before: 0.5685, after: 0.2104 },
  heldOut: { before: 0.594, after: 0.2812 },
  cells: [
    cellOf("base", "base", FIRST),
    cellOf("base", "tuned", [0.68, 0.86]),
    cellOf("tuned", "base", [0.76, 0.9]),
    cellOf("tuned", "tuned", [0.82, 0.94]),
  ],
  hits: {
    base: { hitAt1: 0.62, hitAtK: 0.94, k: 4, mrr: 0.75 },
    tuned: { hitAt1: 0.84, hitAtK: 0.98, k: 4, mrr: 0.9 },
  },
};

/** A project of RA-DIT beside the sample of SQL, reached by its address. */
export const RADIT = { labId: "l7", runId: "lr7" } as const;

export const raditSummary = (sample: LabSummary): LabSummary => ({
  ...{
    ...sample,
    id: RADIT.labId,
    name: "Sample: answers from retrieved notes",
    system: "ra-dit",
    rows: 160,
  },
});

export const raditRun = (finished: LabRunView): LabRunView => ({
  ...{ ...finished, id: RADIT.runId, labId: RADIT.labId },
  headline: { key: "exactMatch", base: 0.6, tuned: 0.68 },
});

export function raditResults(results: LabResults): LabResults {
  const figures = RETRIEVAL.cells[1]!.against;
  const comparison = { ...results.comparison, task: "ra-dit" as const, rows: 50, groups: 50, figures };
  const rows = results.rows.slice(0, 4).map((row, index) => {
    const said = (text: string, exactMatch: number) => ({
      text,
      measures: { exactMatch, tokenF1: exactMatch },
    });
    return {
      ...row,
      prompt:
        "Context information is below.\n\nThe seal of the cellar is green marble.\n\nQuery: The cellar has which seal?\nAnswer:",
      answer: "It is green marble.",
      answers: {
        base: said("It is pale wool.", 0),
        tuned: said("It is green marble.", index % 4 === 3 ? 0 : 1),
      },
    };
  });
  return { comparison, constrained: null, rows, retrieval: RETRIEVAL };
}
