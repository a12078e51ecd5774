// The rows that LlamaIndex uploads to train Cohere's re-ranker (generate_cohere_reranker_finetuning_dataset of
// llama-index-finetuning 0.4.2): a question, its first right passage, n wrong ones out of the other questions' passages.
//   compatible    as there, defects and all: the pool is the list of first right passages, one entry a question, and only
//                 the question's own entry is left out of it. Where two questions share a passage it stands there twice,
//                 so that a right text becomes a "wrong" one (the first, by cosine), and a text may repeat. Vectors are
//                 those of texts, without the model's instruction. Draws are our own: Python's generator is not ours.
//   recommended   the pool holds every text once, and nothing that is right for the question.
import { RetuneError } from "../../../engine/errors.ts";
import type { JudgedVectors } from "../../eval/evaluate.ts";
import { CounterRandom } from "../../random.ts";
import { passageIndex, rightPassages, type Dataset } from "../dataset.ts";
import { comparable } from "../leaks.ts";
import { denseSearch, rowsInBlocks } from "./passage-search.ts";

export type CohereMethod = "none" | "random" | "cosine";

export interface CohereSettings {
  readonly method: CohereMethod;
  readonly negatives: number; // of each question; 5 there, at most as many as there are
  readonly mode: "recommended" | "compatible";
  readonly seed: number;
}

export interface CohereRow {
  readonly query: string;
  readonly relevant_passages: readonly string[];
  readonly hard_negatives: readonly string[];
}

/** One question with the pool of what may be wrong for it; all by position in the dataset. */
interface Pool {
  readonly question: number;
  readonly right: number;
  readonly open: (entry: number) => boolean;
}

/**
 * One row a question that has a right passage. `vectors` are needed for "cosine". Errors: "usage" (number of negatives),
 * "too-little-data" (no question), E_MISMATCH (vectors of another dataset).
 */
export function cohereRows(
  dataset: Dataset,
  settings: CohereSettings,
  vectors: JudgedVectors | null,
): readonly CohereRow[] {
  const { method, negatives, mode } = settings;
  if (!Number.isInteger(negatives) || negatives < 0)
    throw new RetuneError("usage", `negatives: ${negatives} is not possible; give a whole number from 0`);
  const { entries, pools } = mode === "compatible" ? compatiblePools(dataset) : recommendedPools(dataset);
  if (pools.length === 0)
    throw new RetuneError("too-little-data", "There is no question with a right passage to write.");
  const wrong = wrongEntries(dataset, entries, pools, settings, vectors);
  return pools.map(({ question, right }, place) => ({
    query: dataset.queries[question]!.text,
    relevant_passages: [dataset.passages[right]!.text],
    hard_negatives: (method === "none" ? [] : wrong[place]!).map(
      (entry) => dataset.passages[entries[entry]!]!.text,
    ),
  }));
}

function compatiblePools(dataset: Dataset): { entries: readonly number[]; pools: readonly Pool[] } {
  const places = passageIndex(dataset);
  const entries = dataset.queries.map(({ relevant }) => places.get(relevant[0]!.passage)!);
  const pools = entries.map((right, question) => ({
    ...{ question, right },
    open: (entry: number) => entry !== question,
  }));
  return { entries, pools };
}

function recommendedPools(dataset: Dataset): { entries: readonly number[]; pools: readonly Pool[] } {
  const places = passageIndex(dataset);
  const texts = dataset.passages.map(({ text }) => comparable(text));
  const byText = new Map<string, number>();
  const answered = dataset.queries.map((query) =>
    Array.from(rightPassages(query), (passage) => places.get(passage)!),
  );
  for (const passage of answered.flat()) {
    if (!byText.has(texts[passage]!)) byText.set(texts[passage]!, passage);
  }
  const entries = [...byText.values()];
  const pools = answered.flatMap((right, question): Pool[] => {
    if (right.length === 0) return [];
    const own = new Set(right.map((passage) => texts[passage]!));
    return [{ question, right: right[0]!, open: (entry) => !own.has(texts[entries[entry]!]!) }];
  });
  return { entries, pools };
}

/** Positions in `entries` of each pool's wrong ones. */
function wrongEntries(
  dataset: Dataset,
  entries: readonly number[],
  pools: readonly Pool[],
  { method, negatives, mode, seed }: CohereSettings,
  vectors: JudgedVectors | null,
): readonly (readonly number[])[] {
  if (method === "none") return [];
  const all = Array.from(entries.keys());
  if (method === "random") {
    return pools.map(({ question, open }) => {
      const order = CounterRandom.stream(seed, 2000 + question).permutation(entries.length);
      return Array.from(order).filter(open).slice(0, negatives);
    });
  }
  if (vectors?.queries.rows !== dataset.queries.length || vectors.corpus.rows !== dataset.passages.length) {
    throw new RetuneError("E_MISMATCH", "negatives by cosine need a vector of every question and passage");
  }
  const { queries, corpus } = vectors;
  const search = denseSearch(mode === "compatible" ? { queries, corpus } : vectors);
  const found: (readonly number[])[] = [];
  const visit = (place: number, row: Float32Array): void => {
    const nearest = all
      .filter(pools[place]!.open)
      .sort((a, b) => row[entries[b]!]! - row[entries[a]!]! || a - b);
    found.push(nearest.slice(0, negatives));
  };
  const steps = rowsInBlocks(
    search,
    pools.map(({ question }) => question),
    visit,
  );
  while (!steps.next().done);
  return found;
}

/** The file's bytes as pydantic writes them: compact, keys in this order, nothing escaped that need not be. */
export function writeCohereRows(rows: readonly CohereRow[]): string {
  return rows
    .map(
      ({ query, relevant_passages, hard_negatives }) =>
        `${JSON.stringify({ query, relevant_passages, hard_negatives })}\n`,
    )
    .join("");
}
