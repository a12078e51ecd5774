// What a judge's words say, and what two pairwise calls with the answers in both orders say together.
//
// A call's score s is 1 for its first answer, 0 for its second, ½ for a tie. With s₁ of the call as given and s₂ of the one with
// the answers exchanged, the votes are (LlamaIndex's PairwiseComparisonEvaluator, enforce_consensus):
//   votes for A = s₁ + (1 − s₂)        votes for B = (1 − s₁) + s₂
// The side with more votes wins, by the result of a call that voted for it; of equal votes two ties are a tie, and A with B is
// inconclusive ("neither"). A result of the exchanged call keeps its own score: 1 there means that B wins, so a score says
// nothing without its source.
export type Verdict = "A" | "B" | "C";

export const VERDICTS: readonly Verdict[] = ["A", "B", "C"];
const SCORES: Readonly<Record<Verdict, number>> = { A: 1, B: 0, C: 0.5 };

/** 1 for A, 0 for B, ½ for a tie. */
export function scoreOfVerdict(verdict: Verdict): number {
  return SCORES[verdict];
}

/** The verdict on the same two answers in the other order. */
export function exchanged(verdict: Verdict): Verdict {
  return verdict === "A" ? "B" : verdict === "B" ? "A" : "C";
}

/** The verdict that a text marks. As in the original, [[A]] goes before [[B]] and that before [[C]], wherever they stand. */
export function parsedVerdict(text: string): Verdict | undefined {
  return VERDICTS.find((verdict) => text.includes(`[[${verdict}]]`));
}

/** The number of a text's first line; the original fails on an answer of one line, which is a score like any other here. */
export function parsedScore(text: string): number | undefined {
  const line = text.trim().split("\n", 1)[0]!.trim();
  const number = /^(?:score\s*:\s*)?([0-9]+(?:\.[0-9]+)?)(?:\s*\/\s*5)?\.?$/i.exec(line)?.[1];
  return number === undefined ? undefined : Number(number);
}

export interface Consensus {
  readonly source: "original" | "flipped" | "neither"; // pairwise_source: which call the score belongs to
  readonly score: number; // of that call: its own, whichever order it saw
  readonly winner: Verdict | undefined; // of the answers as given; undefined: inconclusive
}

/** What LlamaIndex makes of two calls: `original` as given, `flipped` with the answers exchanged, each in its own letters. */
export function consensusOf(original: Verdict, flipped: Verdict): Consensus {
  const [first, second] = [scoreOfVerdict(original), scoreOfVerdict(flipped)];
  const forA = first + (1 - second);
  const forB = 1 - first + second;
  if (forA === forB) {
    if (original === "C") return { source: "original", score: 0.5, winner: "C" };
    return { source: "neither", score: 0.5, winner: undefined };
  }
  const [winner, voted] = forA > forB ? (["A", 1] as const) : (["B", 0] as const);
  const source = first === voted ? "original" : "flipped";
  return { source, score: source === "original" ? first : second, winner };
}

/** The answer that a result speaks for, read with its source; undefined where there is none. */
export function readWithSource(score: number, source: Consensus["source"]): Verdict | undefined {
  if (source === "neither") return undefined;
  const verdict = score === 1 ? "A" : score === 0 ? "B" : "C";
  return source === "original" ? verdict : exchanged(verdict);
}

/** The verdict of two calls that agree about the answers; a tie where they do not. */
export function consistentVerdict(original: Verdict, flipped: Verdict): Verdict {
  return original === exchanged(flipped) ? original : "C";
}
