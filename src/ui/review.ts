import type { QuestionView } from "../app/studio-data.ts";
import type { FlagKind } from "../domain/data/gate-flags.ts";

export type Maker = "imported" | "rule" | "teacher" | "typed";
export const MAKERS: readonly Maker[] = ["imported", "rule", "teacher", "typed"];

export interface QuestionFilter {
  readonly state: "all" | QuestionView["state"];
  readonly split: "all" | QuestionView["split"];
  readonly flag: "all" | "any" | "none" | "unchecked" | FlagKind;
  readonly source: string | null; // file name; null: all
  readonly maker: "all" | Maker;
  readonly words: string;
}

export const ALL_QUESTIONS: QuestionFilter = {
  state: "all",
  split: "all",
  flag: "all",
  source: null,
  maker: "all",
  words: "",
};

export function filterQuestions(
  questions: readonly QuestionView[],
  filter: QuestionFilter,
): readonly QuestionView[] {
  const needle = filter.words.trim().toLowerCase();
  return questions.filter(
    (question) =>
      (filter.state === "all" || question.state === filter.state) &&
      (filter.split === "all" || question.split === filter.split) &&
      (filter.source === null || question.source === filter.source) &&
      (filter.maker === "all" || makerOf(question) === filter.maker) &&
      hasFlag(question, filter.flag) &&
      (needle === "" || question.text.toLowerCase().includes(needle)),
  );
}

/** "rule: definition" → "rule". */
function makerOf({ made }: Pick<QuestionView, "made">): Maker {
  const name = made.split(":", 1)[0];
  return MAKERS.find((maker) => maker === name) ?? "imported";
}

function hasFlag({ flags }: QuestionView, wanted: QuestionFilter["flag"]): boolean {
  switch (wanted) {
    case "all":
      return true;
    case "unchecked":
      return flags === undefined;
    case "any":
      return flags !== undefined && flags.length > 0;
    case "none":
      return flags?.length === 0;
    default:
      return flags?.some(({ kind }) => kind === wanted) ?? false;
  }
}

/** How many of these questions wait for a decision, and how many were never checked. */
export function reviewCounts(questions: readonly QuestionView[]): { waiting: number; unchecked: number } {
  let [waiting, unchecked] = [0, 0];
  for (const { state, flags, made } of questions) {
    if (state === "review") waiting++;
    else if (state !== "rejected" && flags === undefined && made !== "typed") unchecked++;
  }
  return { waiting, unchecked };
}

/** A passage in three parts around its source sentence; the sentence is empty where the passage lacks it. */
export function aroundSentence(
  passage: string,
  sentence: string | undefined,
): readonly [string, string, string] {
  const at = sentence ? passage.indexOf(sentence) : -1;
  if (!sentence || at < 0) return [passage, "", ""];
  return [passage.slice(0, at), sentence, passage.slice(at + sentence.length)];
}

/** The files that questions come from, each once, in their order. */
export function sourcesOf(questions: readonly QuestionView[]): readonly string[] {
  return [...new Set(questions.map(({ source }) => source))];
}

/** Rows by their ids. */
export function byId<Row extends { readonly id: string }>(rows: readonly Row[]): ReadonlyMap<string, Row> {
  return new Map(rows.map((row) => [row.id, row]));
}

/** A map that nothing on screen depends on. */
export function quietMap<Value>(): Map<string, Value> {
  return new Map();
}
