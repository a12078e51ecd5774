// The gate: which questions are not worth training on, and why (trainers.md §10.5).
//
//   context     points at a text that a searcher does not see            gate-context.ts
//   copy        share of its 3-grams found in its passage ≥ .5           eval/tokens.ts
//   duplicate   an earlier question says the same: normalised text, Jaccard of word 3-grams ≥ .7, or cosine ≥ .95
//   not-found   no right passage among the retriever's first k           round-trip filter: Alberti et al. 2019
//               (arXiv 1906.05416), Promptagator (arXiv 2209.11755)       gate-search.ts
//   no-question (of a model's), short (fewer than 3 words), empty
import { copiedTrigrams } from "../eval/tokens.ts";
import { matrixOf } from "../matrix.ts";
import type { RunControl } from "../ports.ts";
import { contextPhrase } from "./gate-context.ts";
import type { FlagKind, QuestionFlag, Retriever } from "./gate-flags.ts";
import { passagesNotFound } from "./gate-search.ts";
import type { GateVectors } from "./gate-search.ts";
import type { Dataset, Query } from "./dataset.ts";
import { overlaps, wordsOf } from "./duplicates.ts";
import { nearPairs, NEAR_COSINE } from "./duplicates-vectors.ts";
import { comparable } from "./leaks.ts";

export const GATE = {
  copyShare: 0.5,
  sameWords: 0.7, // Jaccard of word 3-grams
  sameMeaning: NEAR_COSINE,
  fewestWords: 3,
  top: 10,
} as const;

export interface GateOptions extends RunControl {
  readonly top?: number; // default 10
  readonly vectors?: GateVectors;
}

export interface GateReport {
  readonly flags: ReadonlyMap<string, readonly QuestionFlag[]>; // by query id; flagged ones only
  readonly counts: Readonly<Partial<Record<FlagKind, number>>>;
  readonly searched: Readonly<Record<Retriever, number>>; // questions, by what searched for their passage
}

/**
 * Flags the questions of a dataset. Of questions that say the same, the first stays unflagged. Deterministic; rejects
 * with "cancelled" when the signal fires.
 */
export async function checkQuestions(dataset: Dataset, options: GateOptions = {}): Promise<GateReport> {
  const flags = new Map<string, QuestionFlag[]>();
  const add = (query: Query, flag: QuestionFlag): void => {
    flags.set(query.id, [...(flags.get(query.id) ?? []), flag]);
  };
  const passages = new Map(dataset.passages.map(({ id, text }) => [id, text]));
  for (const query of dataset.queries) {
    const right = query.relevant.map(({ passage }) => passages.get(passage) ?? "");
    for (const flag of ownFlags(query, right)) add(query, flag);
  }
  for (const { later, flag } of await repeated(dataset.queries, options)) add(dataset.queries[later]!, flag);
  const searched = { hybrid: 0, bm25: 0 };
  const { top = GATE.top } = options;
  for (const { row, by, rank } of await passagesNotFound(dataset, options.vectors, options)) {
    searched[by]++;
    if (rank > top) add(dataset.queries[row]!, { kind: "not-found", rank, top, by });
  }
  const counts: Partial<Record<FlagKind, number>> = {};
  for (const own of flags.values()) {
    for (const kind of new Set(own.map((flag) => flag.kind))) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return { flags, counts, searched };
}

/** What can be said of a question beside its right passages alone. */
function ownFlags({ text, origin }: Query, right: readonly string[]): readonly QuestionFlag[] {
  const words = wordsOf(text);
  if (words.length === 0) return [{ kind: "empty" }];
  const flags: QuestionFlag[] = [];
  const phrase = contextPhrase(text);
  if (phrase !== undefined) flags.push({ kind: "context", phrase });
  const share = Math.max(0, ...right.map((passage) => copiedTrigrams(text, passage)));
  if (share >= GATE.copyShare) flags.push({ kind: "copy", share });
  const byModel = origin?.kind === "teacher"; // people, and the rules that write as they do, may search by bare keywords
  if (byModel && !asks(text)) flags.push({ kind: "no-question" });
  if (words.length < GATE.fewestWords) flags.push({ kind: "short", words: words.length });
  return flags;
}

const MARK = /[?？؟;⁇]/u;
const ASKING =
  /\b(?:what|which|who|whom|whose|when|where|why|how|explain|describe|define|discuss|list|name|compare|contrast|calculate|compute|identify|summari[sz]e|outline|evaluate|analy[sz]e|determine|elaborate|illustrate)\b|^(?:is|are|was|were|do|does|did|can|could|may|must|shall|should|will|would|has|have|had|give|state|provide|tell|show|find)\b/iu;

/** A question mark, or an English word that asks; other scripts are believed. */
function asks(text: string): boolean {
  const written = text.trim();
  return MARK.test(written) || ASKING.test(written) || !/^[\p{ASCII}\p{P}\p{S}]*$/u.test(written);
}

interface Repetition {
  readonly later: number;
  readonly flag: Extract<QuestionFlag, { kind: "duplicate" }>;
}

/** Questions that repeat an earlier one: one flag each, by the strictest likeness. */
async function repeated(
  queries: readonly Query[],
  { vectors, top: _top, ...control }: GateOptions,
): Promise<readonly Repetition[]> {
  const found = new Map<number, Repetition>();
  const say = (later: number, earlier: number, how: Repetition["flag"]["how"], similarity: number): void => {
    if (found.has(later)) return;
    found.set(later, { later, flag: { kind: "duplicate", how, similarity, other: queries[earlier]!.id } });
  };
  const first = new Map<string, number>();
  for (const [row, { text }] of queries.entries()) {
    const key = comparable(text);
    const known = first.get(key);
    if (known !== undefined) say(row, known, "same", 1);
    else if (key !== "") first.set(key, row);
  }
  const texts = queries.map(({ text }) => text);
  const between = (from: number, to: number): boolean => to < from && !found.has(from);
  const alike = { size: 3, atLeast: GATE.sameWords, measure: "jaccard", between } as const;
  for (const { from, to, share } of await overlaps(texts, { ...alike, ...control })) {
    say(from, to, "words", share);
  }
  const rows = (vectors?.questions ?? []).flatMap((row, index) => (row ? [{ row, index }] : []));
  const embedded = matrixOf(rows.map(({ row }) => row));
  for (const pair of await nearPairs(embedded, { ...control, label: "Comparing questions" })) {
    say(rows[pair.second]!.index, rows[pair.first]!.index, "meaning", pair.cosine);
  }
  return [...found.values()];
}
