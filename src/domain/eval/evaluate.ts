import { RetuneError } from "../../engine/errors.ts";
import { passageIndex, type Dataset, type Query } from "../data/dataset.ts";
import { selectRows, type Matrix, type Weights } from "../matrix.ts";
import type { AdapterConfig } from "../models/adapter-config.ts";
import { applyAdapter } from "../models/apply-adapter.ts";
import { LexicalIndex } from "./bm25.ts";
import { reportOf } from "./build-report.ts";
import { cosineScores } from "./dense.ts";
import { fuse } from "./fusion.ts";
import { judge, type Judged, type Positive } from "./judge.ts";
import { idOrder } from "./metrics.ts";
import type { EvaluationReport, Fusion, SystemName } from "./report.ts";

/** Vectors of the judged set: rows in the order of the dataset's queries and passages. */
export interface JudgedVectors {
  readonly queries: Matrix; // [Q, D], without instruction
  readonly queriesInstruction?: Matrix; // [Q, D], after the instruction
  readonly corpus: Matrix; // [N, D]
}

export interface EvaluationSettings {
  /** Whether tuned and hybrids use `queriesInstruction`; deltas then compare with the base that uses it too. */
  readonly instruction: boolean;
  readonly adapter?: { readonly config: AdapterConfig; readonly weights: Weights };
  /** Vectors by a tuned encoder, its own instruction included: "tuned" in place of an adapter. */
  readonly tuned?: { readonly queries: Matrix; readonly corpus: Matrix };
  /** Weights chosen on groups held out of training, never on the judged set. */
  readonly fusion: { readonly base: Fusion; readonly tuned: Fusion };
  readonly seed: number;
  readonly resamples?: number; // of the bootstrap, default 2,000
  readonly questionsAtOnce?: number; // judged together; default so that a system's scores take 16 MB
}

/** One score matrix [Q, N] a system. */
export type SystemScores = Readonly<Partial<Record<SystemName, Matrix>>>;

const SCORES_AT_ONCE = 4_000_000; // of one system in memory: questions are judged in blocks

/**
 * All systems side by side on the judged set, with verdicts: the whole of Results. Questions without a positive are
 * left out, as sentence-transformers does. 790 questions × 395 passages × 384 dimensions take about a second.
 */
export function evaluate(
  dataset: Dataset,
  vectors: JudgedVectors,
  settings: EvaluationSettings,
): EvaluationReport {
  checkVectors(dataset, vectors, settings);
  const places = passageIndex(dataset);
  const positives = dataset.queries.map((query) => positivesOf(query, places));
  const kept = positives.flatMap((found, index) => (found.length > 0 ? [index] : []));
  if (kept.length === 0) {
    throw new RetuneError(
      "too-little-data",
      `evaluate: none of the ${dataset.queries.length} questions names a relevant passage; check relevant_docs`,
    );
  }
  const order = idOrder(dataset.passages.map((passage) => passage.id));
  const lexical = new LexicalIndex(dataset.passages.map((passage) => passage.text));
  const judged: Partial<Record<SystemName, Judged[]>> = {};
  const block =
    settings.questionsAtOnce ?? Math.max(16, Math.floor(SCORES_AT_ONCE / dataset.passages.length));
  for (let start = 0; start < kept.length; start += block) {
    const rows = kept.slice(start, start + block);
    const texts = rows.map((row) => dataset.queries[row]!.text);
    const { tuned } = settings;
    const own = tuned
      ? { ...settings, tuned: { ...tuned, queries: selectRows(tuned.queries, rows) } }
      : settings;
    const scores = scoreSystems(texts, selectQueries(vectors, rows), lexical, own);
    const wanted = rows.map((row) => positives[row]!);
    for (const [system, matrix] of Object.entries(scores) as [SystemName, Matrix][]) {
      (judged[system] ??= []).push(...judge(matrix, wanted, order));
    }
  }
  const queries = kept.map((index) => dataset.queries[index]!);
  return reportOf({ queries, passages: dataset.passages }, judged, settings);
}

/** Scores of every system that the vectors allow, for questions `texts` [Q] whose vectors are given. */
export function scoreSystems(
  texts: readonly string[],
  { queries, queriesInstruction, corpus }: JudgedVectors,
  lexical: LexicalIndex,
  settings: EvaluationSettings,
): SystemScores {
  const base = cosineScores(queries, corpus);
  const baseInstruction = queriesInstruction ? cosineScores(queriesInstruction, corpus) : undefined;
  const bm25 = lexical.scores(texts);
  const scores: Partial<Record<SystemName, Matrix>> = {
    base,
    ...(baseInstruction ? { baseInstruction } : {}),
    bm25,
    hybridBase: fuse(
      (settings.instruction ? baseInstruction : undefined) ?? base,
      bm25,
      settings.fusion.base,
    ),
  };
  if (settings.adapter) {
    const { config, weights } = settings.adapter;
    const own = (settings.instruction ? queriesInstruction : undefined) ?? queries;
    scores.tuned = cosineScores(applyAdapter(config, weights, own), corpus);
  } else if (settings.tuned) scores.tuned = cosineScores(settings.tuned.queries, settings.tuned.corpus);
  if (scores.tuned) scores.hybridTuned = fuse(scores.tuned, bm25, settings.fusion.tuned);
  return scores;
}

function selectQueries(
  { queries, queriesInstruction, corpus }: JudgedVectors,
  rows: readonly number[],
): JudgedVectors {
  return {
    queries: selectRows(queries, rows),
    corpus,
    ...(queriesInstruction ? { queriesInstruction: selectRows(queriesInstruction, rows) } : {}),
  };
}

function checkVectors(dataset: Dataset, vectors: JudgedVectors, settings: EvaluationSettings): void {
  if (settings.instruction && !vectors.queriesInstruction) {
    throw new RetuneError(
      "usage",
      "evaluate: a query instruction is set, but the vectors after it are missing",
    );
  }
  const parts: readonly (readonly [string, Matrix | undefined, number])[] = [
    ["queries", vectors.queries, dataset.queries.length],
    ["queriesInstruction", vectors.queriesInstruction, dataset.queries.length],
    ["corpus", vectors.corpus, dataset.passages.length],
    ["tuned.queries", settings.tuned?.queries, dataset.queries.length],
    ["tuned.corpus", settings.tuned?.corpus, dataset.passages.length],
  ];
  for (const [name, matrix, rows] of parts) {
    if (matrix && matrix.rows !== rows) {
      throw new RetuneError(
        "E_MISMATCH",
        `evaluate: ${name} has ${matrix.rows} vectors for ${rows} texts; rows must follow the order of the file's keys`,
      );
    }
  }
}

/** Columns and grades of a query's positives (grade > 0), each passage once, in file order. */
export function positivesOf(query: Query, places: ReadonlyMap<string, number>): readonly Positive[] {
  const found = new Map<number, number>();
  for (const { passage, grade } of query.relevant) {
    const place = places.get(passage);
    if (place !== undefined && grade > 0 && !found.has(place)) found.set(place, grade);
  }
  return Array.from(found, ([passage, grade]) => ({ passage, grade }));
}
