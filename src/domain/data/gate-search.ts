import { LexicalIndex } from "../eval/bm25.ts";
import { cosineScores } from "../eval/dense.ts";
import { EQUAL_WEIGHTS, fuse, fusionOf } from "../eval/fusion.ts";
import { idOrder, rankOf } from "../eval/metrics.ts";
import { matrixOf, rowOf, type Matrix } from "../matrix.ts";
import type { RunControl } from "../ports.ts";
import { passageIndex, rightPassages, type Dataset } from "./dataset.ts";
import type { Retriever } from "./gate-flags.ts";
import { Pace } from "./pace.ts";

/** Vectors of the base encoder, where there are any: rows in the order of the dataset. */
export interface GateVectors {
  readonly questions: readonly (Float32Array | undefined)[];
  readonly passages: Matrix | null; // null unless every passage is embedded
}

export interface RoundTrip {
  readonly row: number; // of the question
  readonly by: Retriever;
  readonly rank: number; // of its first right passage among all, from 1
}

const SCORES_AT_ONCE = 2_000_000;

/**
 * Searches every question in all passages: where does its first right passage come? By BM25 and cosine in equal parts
 * (z-scores, fusion.ts) where the question and all passages have vectors, else by BM25 alone. Questions without a right
 * passage are left out.
 */
export async function passagesNotFound(
  dataset: Dataset,
  vectors: GateVectors | undefined,
  control: RunControl = {},
): Promise<readonly RoundTrip[]> {
  const pace = new Pace(control);
  const places = passageIndex(dataset);
  const order = idOrder(dataset.passages.map(({ id }) => id));
  const lexical = new LexicalIndex(dataset.passages.map(({ text }) => text));
  const atOnce = Math.max(
    4,
    Math.min(256, Math.floor(SCORES_AT_ONCE / Math.max(1, dataset.passages.length))),
  );
  const found: RoundTrip[] = [];
  const ask = (rows: readonly number[], by: Retriever): void => {
    const bm25 = lexical.scores(rows.map((row) => dataset.queries[row]!.text));
    const scores = by === "bm25" ? bm25 : hybrid(rows, bm25, vectors!);
    for (const [position, row] of rows.entries()) {
      const ranks = [...rightPassages(dataset.queries[row]!)].flatMap((passage) => {
        const place = places.get(passage);
        return place === undefined ? [] : [rankOf(rowOf(scores, position), place, order)];
      });
      if (ranks.length > 0) found.push({ row, by, rank: Math.min(...ranks) });
    }
  };
  for (let start = 0; start < dataset.queries.length; start += atOnce) {
    const rows = Array.from(
      { length: Math.min(atOnce, dataset.queries.length - start) },
      (_, k) => start + k,
    );
    const embedded = (row: number): boolean => Boolean(vectors?.passages && vectors.questions[row]);
    for (const by of ["hybrid", "bm25"] as const) {
      const own = rows.filter((row) => embedded(row) === (by === "hybrid"));
      if (own.length > 0) ask(own, by);
    }
    await pace.turn(start, dataset.queries.length, "Searching for each question's passage");
  }
  return found.sort((a, b) => a.row - b.row);
}

function hybrid(rows: readonly number[], bm25: Matrix, { questions, passages }: GateVectors): Matrix {
  const asked = matrixOf(rows.map((row) => questions[row]!));
  const dense = cosineScores(asked, passages!);
  return fuse(dense, bm25, fusionOf(EQUAL_WEIGHTS));
}
