// Two models on the same held-out rows. Rows of one group move together, so groups are the clusters of every interval:
// means by the paired cluster bootstrap and sign flips of eval/statistics.ts, other figures by paired-summaries.ts. Beside them,
// for measures that are right or wrong, McNemar's exact test: of n = b + c rows that only one model got right,
//
//   p = min(1, 2 · Σ_{i ≤ min(b, c)} C(n, i) / 2ⁿ)                       (McNemar 1947; exact binomial form)
import { RetuneError } from "../../engine/errors.ts";
import type { Delta, Verdict } from "../eval/report.ts";
import { clusterDifferences, mean, pairedDeltas, verdictOf } from "../eval/statistics.ts";
import type { LabAnswer, LabExample, LabMeasure, LabTask, LabTaskId } from "./lab-task.ts";
import { summaryDelta } from "./paired-summaries.ts";

/** Rows that one model alone got right, and how likely so uneven a share is by chance. */
export interface McNemar {
  readonly onlyBase: number;
  readonly onlyTuned: number;
  readonly p: number;
}

export interface LabFigure extends Pick<LabMeasure, "key" | "label" | "meaning" | "better" | "unit"> {
  readonly base: number; // over all rows of its own where it is defined
  readonly tuned: number;
  readonly delta: Delta; // tuned − base, of means over `rows`
  readonly rows: number; // where both are defined
  readonly verdict: Verdict; // "better" is better for the person, whichever way the measure goes
  readonly mcnemar: McNemar | null; // null where values are not only 0 and 1
}

export interface LabComparison {
  readonly task: LabTaskId;
  readonly rows: number;
  readonly groups: number;
  readonly figures: readonly LabFigure[]; // of measures that both models have, in the task's order
  readonly verdict: Verdict; // of the task's first measure that is there
}

type Judged = Pick<LabTask, "id" | "measures">;

/** `base` and `tuned` are answers to `examples`, in their order. Throws "usage" where they are not. */
export function compareAnswers(
  task: Judged,
  examples: readonly LabExample[],
  base: readonly LabAnswer[],
  tuned: readonly LabAnswer[],
  seed = 0,
): LabComparison {
  for (const answers of [base, tuned]) requireSameRows(examples, answers);
  const clusters = examples.map(({ group }) => group);
  const figures = task.measures.flatMap((measure) => {
    const figure = measure.summary
      ? summaryFigure(measure, { base, tuned, clusters }, seed)
      : meanFigure(measure, { base, tuned, clusters }, seed);
    return figure ? [figure] : [];
  });
  return {
    task: task.id,
    rows: examples.length,
    groups: new Set(clusters).size,
    figures,
    verdict: figures[0]?.verdict ?? "cannot-tell",
  };
}

/** Every measure of one model's answers that is defined, by key. */
export function figuresOf(task: Judged, answers: readonly LabAnswer[]): Readonly<Record<string, number>> {
  const entries = task.measures.flatMap((measure): [string, number][] => {
    const value = figureOf(measure, answers);
    return value === undefined ? [] : [[measure.key, value]];
  });
  return Object.fromEntries(entries);
}

/** McNemar's exact test over rows of 0 and 1; null where another value occurs. */
export function mcnemar(base: readonly number[], tuned: readonly number[]): McNemar | null {
  const binary = (value: number): boolean => value === 0 || value === 1;
  if (!base.every(binary) || !tuned.every(binary)) return null;
  const onlyBase = base.filter((value, row) => value > tuned[row]!).length;
  const onlyTuned = base.filter((value, row) => value < tuned[row]!).length;
  return { onlyBase, onlyTuned, p: binomialTails(onlyBase, onlyTuned) };
}

function binomialTails(b: number, c: number): number {
  const n = b + c;
  let term = -n * Math.LN2; // ln of C(n, i) / 2ⁿ
  let tail = 0;
  for (let i = 0; i <= Math.min(b, c); i++) {
    tail += Math.exp(term);
    term += Math.log(n - i) - Math.log(i + 1);
  }
  return Math.min(1, 2 * tail);
}

interface Sides {
  readonly base: readonly LabAnswer[];
  readonly tuned: readonly LabAnswer[];
  readonly clusters: readonly string[];
}

function requireSameRows(examples: readonly LabExample[], answers: readonly LabAnswer[]): void {
  const other = examples.findIndex(({ id }, row) => answers[row]?.id !== id);
  if (other < 0 && answers.length === examples.length) return;
  const found = `${answers.length} answers to ${examples.length} rows, row ${other + 1} is another`;
  throw new RetuneError("usage", `both models must be asked the same rows in the same order: ${found}`);
}

function valuesOf({ key }: LabMeasure, answers: readonly LabAnswer[]): readonly (number | undefined)[] {
  return answers.map(({ measures }) => {
    const value = measures[key];
    return value !== undefined && Number.isFinite(value) ? value : undefined;
  });
}

function figureOf(measure: LabMeasure, answers: readonly LabAnswer[]): number | undefined {
  if (measure.summary) return measure.summary(answers);
  const values = valuesOf(measure, answers).filter((value) => value !== undefined);
  return values.length > 0 ? mean(values) : undefined;
}

function meanFigure(measure: LabMeasure, sides: Sides, seed: number): LabFigure | undefined {
  const [before, after] = [valuesOf(measure, sides.base), valuesOf(measure, sides.tuned)];
  const both = before.flatMap((value, row) => (value === undefined || after[row] === undefined ? [] : [row]));
  if (both.length === 0) return undefined;
  const base = both.map((row) => before[row]!);
  const tuned = both.map((row) => after[row]!);
  const clusters = both.map((row) => sides.clusters[row]!);
  const rowsOf = (values: readonly number[]): Float64Array[] => values.map((value) => Float64Array.of(value));
  const [delta] = pairedDeltas(clusterDifferences(rowsOf(tuned), rowsOf(base), clusters), { seed });
  const open = new Set(clusters).size < 2 && measure.unit === "number";
  const span = [...base, ...tuned].reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  return figure(measure, sides, {
    rows: both.length,
    delta: open ? { ...delta!, low: -span, high: span } : delta!,
    mcnemar: mcnemar(base, tuned),
  });
}

function summaryFigure(measure: LabMeasure, sides: Sides, seed: number): LabFigure | undefined {
  const [before, after] = [measure.summary!(sides.base), measure.summary!(sides.tuned)];
  if (before === undefined || after === undefined) return undefined;
  const span = measure.unit === "share" ? 1 : Math.max(1, Math.abs(before), Math.abs(after));
  const delta = summaryDelta(measure.summary!, sides, { seed, span })!;
  return figure(measure, sides, { rows: sides.base.length, delta, mcnemar: null });
}

function figure(
  measure: LabMeasure,
  { base, tuned }: Sides,
  found: Pick<LabFigure, "rows" | "delta" | "mcnemar">,
): LabFigure {
  const { key, label, meaning, better, unit } = measure;
  const { low, high } = found.delta;
  return {
    ...{ key, label, meaning, better, unit },
    base: figureOf(measure, base)!,
    tuned: figureOf(measure, tuned)!,
    ...found,
    verdict: verdictOf(better === "higher" ? found.delta : { ...found.delta, low: -high, high: -low }),
  };
}
