import { EQUAL_WEIGHTS, fusionOf } from "../eval/fusion.ts";
import { idOrder, rankOf } from "../eval/metrics.ts";
import { matrixOf, type Matrix } from "../matrix.ts";
import type { RunControl } from "../ports.ts";
import { passageIndex, rightPassages, type Dataset } from "./dataset.ts";
import type { Retriever } from "./gate-flags.ts";
import {
  denseSearch,
  hybridSearch,
  lexicalSearch,
  rowsInBlocks,
  type PassageSearch,
} from "./mining/passage-search.ts";
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

/**
 * Searches every question in all passages: where does its first right passage come? By BM25 and cosine in equal parts
 * (z-scores, fusion.ts) where the question and all passages have vectors, else by BM25 alone. Questions without a right
 * passage are left out. Rejects with "cancelled".
 */
export async function passagesNotFound(
  dataset: Dataset,
  vectors: GateVectors | undefined,
  control: RunControl = {},
): Promise<readonly RoundTrip[]> {
  const pace = new Pace(control);
  const places = passageIndex(dataset);
  const order = idOrder(dataset.passages.map(({ id }) => id));
  const found: RoundTrip[] = [];
  let done = 0;
  for (const { by, search, rows } of searchesOf(dataset, vectors)) {
    const visit = (place: number, scores: Float32Array): void => {
      const row = rows[place]!;
      const ranks = [...rightPassages(dataset.queries[row]!)].flatMap((passage) => {
        const column = places.get(passage);
        return column === undefined ? [] : [rankOf(scores, column, order)];
      });
      if (ranks.length > 0) found.push({ row, by, rank: Math.min(...ranks) });
    };
    for (const asked of rowsInBlocks(search, rows, visit)) {
      await pace.turn(done + asked, dataset.queries.length, "Searching for each question's passage");
    }
    done += rows.length;
  }
  return found.sort((a, b) => a.row - b.row);
}

interface RowsBy {
  readonly by: Retriever;
  readonly search: PassageSearch;
  readonly rows: readonly number[]; // questions that this search answers
}

function searchesOf(dataset: Dataset, vectors: GateVectors | undefined): readonly RowsBy[] {
  const lexical = lexicalSearch(dataset);
  const all = Array.from(dataset.queries.keys());
  if (!vectors?.passages) return [{ by: "bm25", search: lexical, rows: all }];
  const { questions, passages: corpus } = vectors;
  const without = new Float32Array(corpus.columns);
  const queries = matrixOf(
    all.map((row) => questions[row] ?? without),
    corpus.columns,
  );
  const hybrid = hybridSearch(denseSearch({ queries, corpus }), lexical, fusionOf(EQUAL_WEIGHTS));
  return [
    { by: "hybrid", search: hybrid, rows: all.filter((row) => questions[row]) },
    { by: "bm25", search: lexical, rows: all.filter((row) => !questions[row]) },
  ];
}
