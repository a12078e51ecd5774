// Ragas' answer relevancy on the client: how near an answer is to its question. Ragas lets a model ask back (questions made from
// the answer) and takes the mean cosine; offline it is cosine(question, answer) of an encoder, or of word counts where none is at
// hand. Negative cosines count as 0, so that the harmonic mean with faithfulness is defined.
import { tokens } from "../../eval/tokens.ts";
import type { Matrix } from "../../matrix.ts";
import type { Encoder, RunControl } from "../../ports.ts";

export interface AnsweredQuestion {
  readonly question: string;
  readonly answer: string;
}

/** Cosines in [0, 1], in the order of rows; an empty answer has 0. */
export async function relevancies(
  rows: readonly AnsweredQuestion[],
  encoder?: Encoder,
  control?: RunControl,
): Promise<readonly number[]> {
  if (!encoder) return rows.map(({ question, answer }) => wordCosine(question, answer));
  const texts = [...new Set(rows.flatMap(({ question, answer }) => [question, answer]))].filter(Boolean);
  const places = new Map(texts.map((text, place) => [text, place]));
  const vectors = await encoder.encode(texts, control);
  return rows.map(({ question, answer }) => {
    const [one, other] = [places.get(question), places.get(answer)];
    return one === undefined || other === undefined ? 0 : Math.min(1, Math.max(0, dot(vectors, one, other)));
  });
}

/** Cosine of counts of words, 0 where one of the texts has none. */
export function wordCosine(one: string, other: string): number {
  const [own, theirs] = [countsOf(one), countsOf(other)];
  let product = 0;
  for (const [word, count] of own) product += count * (theirs.get(word) ?? 0);
  const length = norm(own) * norm(theirs);
  return length === 0 ? 0 : product / length;
}

function countsOf(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const word of tokens(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

function norm(counts: ReadonlyMap<string, number>): number {
  return Math.hypot(...counts.values());
}

function dot({ columns, values }: Matrix, one: number, other: number): number {
  let sum = 0;
  for (let at = 0; at < columns; at++) sum += values[one * columns + at]! * values[other * columns + at]!;
  return sum;
}
