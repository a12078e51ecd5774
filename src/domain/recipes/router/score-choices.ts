import type { Backend } from "../../../engine/backend.ts";
import { choiceText, type RouterChoice } from "../../data/router-dataset.ts";
import { LexicalIndex } from "../../eval/bm25.ts";
import { cosineScores } from "../../eval/dense.ts";
import { rowOf, type Matrix } from "../../matrix.ts";
import { openTextEmbedder } from "../../models/embed-texts.ts";
import type { CrossEncoderModel, EncoderModel } from "../../models/encoder-model.ts";
import { openPairScorer } from "../../models/score-pairs.ts";
import type { RunControl } from "../../ports.ts";

const MOST_PAIRED = 64; // choices a question is paired with; of more, the likeliest by a first search

/** Vectors of the descriptions, the model's document prompt before each. */
export async function choiceVectorsOf(
  backend: Backend,
  model: EncoderModel,
  choices: readonly RouterChoice[],
): Promise<Matrix> {
  const embedder = await openTextEmbedder(backend, model);
  try {
    return await embedder.embed(choices.map((choice) => model.prompts.document + choiceText(choice)));
  } finally {
    embedder.dispose();
  }
}

/** Cosines [texts, choices] by an encoder, the model's query prompt before each text. */
export async function encoderScores(
  backend: Backend,
  model: EncoderModel,
  texts: readonly string[],
  choiceVectors: Matrix,
  control: RunControl = {},
): Promise<Matrix> {
  const embedder = await openTextEmbedder(backend, model);
  try {
    const vectors = await embedder.embed(
      texts.map((text) => model.prompts.query + text),
      control,
    );
    return cosineScores(vectors, choiceVectors);
  } finally {
    embedder.dispose();
  }
}

/**
 * Logits [texts, choices] by a cross-encoder. Of more than 64 choices only the likeliest by `first` [texts, choices]
 * (default: BM25 over the descriptions) are paired; the others stand below all of these, in the order of `first`.
 */
export async function pairScores(
  backend: Backend,
  model: CrossEncoderModel,
  texts: readonly string[],
  choices: readonly RouterChoice[],
  first?: Matrix,
  control: RunControl = {},
): Promise<Matrix> {
  const descriptions = choices.map(choiceText);
  const ranked =
    first ?? (choices.length > MOST_PAIRED ? new LexicalIndex(descriptions).scores(texts) : undefined);
  const columns = texts.map((_text, row) => likeliest(ranked && rowOf(ranked, row), choices.length));
  const pairs = columns.flatMap((own, row) =>
    Array.from(own, (column) => [texts[row]!, descriptions[column]!] as const),
  );
  const scorer = await openPairScorer(backend, model);
  try {
    const logits = await scorer.score(pairs, control);
    return assembled(logits, columns, choices.length, ranked);
  } finally {
    scorer.dispose();
  }
}

function likeliest(row: Float32Array | undefined, count: number): Uint32Array {
  const all = Uint32Array.from({ length: count }, (_, column) => column);
  if (!row || count <= MOST_PAIRED) return all;
  return all.sort((a, b) => row[b]! - row[a]! || a - b).subarray(0, MOST_PAIRED);
}

function assembled(
  logits: Float32Array,
  columns: readonly Uint32Array[],
  count: number,
  ranked: Matrix | undefined,
): Matrix {
  const values = new Float32Array(columns.length * count);
  let at = 0;
  for (const [row, own] of columns.entries()) {
    const scored = logits.subarray(at, at + own.length);
    at += own.length;
    if (own.length < count) {
      const floor = scored.reduce((least, logit) => Math.min(least, logit), Infinity) - 1;
      const first = rowOf(ranked!, row);
      const top = first.reduce((most, score) => Math.max(most, score), -Infinity);
      for (let column = 0; column < count; column++)
        values[row * count + column] = floor + first[column]! - top;
    }
    for (const [place, column] of own.entries()) values[row * count + column] = scored[place]!;
  }
  return { rows: columns.length, columns: count, values };
}
