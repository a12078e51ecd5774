import type { QuestionView } from "../../app/studio-data.ts";
import type {
  GateView,
  LeakExample,
  LeakGroup,
  LeakView,
  NearQuestion,
  TieView,
} from "../../app/studio-gate.ts";
import type { FlagKind, QuestionFlag } from "../../domain/data/gate-flags.ts";
import type { LeakKind } from "../../domain/data/leak-report.ts";
import { count, percent, plural } from "../format.ts";
import type { Maker, QuestionFilter } from "../review.ts";

const FLAGS: Readonly<Record<FlagKind, string>> = {
  context: "points at a text",
  copy: "copied",
  duplicate: "asked before",
  "not-found": "passage not found",
  "no-question": "no question",
  short: "too short",
  empty: "empty",
};

const FLAG_FILTERS: Readonly<Record<Exclude<QuestionFilter["flag"], FlagKind>, string>> = {
  all: "All",
  any: "Flagged",
  none: "Nothing found",
  unchecked: "Not checked",
};

const MAKERS: Readonly<Record<Maker, string>> = {
  imported: "Imported",
  rule: "Rules",
  teacher: "A model",
  typed: "You",
};

const LEAKS: Readonly<Record<LeakKind, string>> = {
  "same-question": "The same question",
  "near-question": "Nearly the same question",
  "same-passage": "The same passage",
  overlap: "A passage that repeats much of a training one",
  "near-passage": "A passage that means nearly the same",
};

const HOW: Readonly<Record<NearQuestion["flag"]["how"], (similarity: number) => string>> = {
  same: () => "word for word",
  words: (similarity) => `in nearly the same words (${percent(similarity)} shared)`,
  meaning: (similarity) => `with nearly the same meaning (cosine ${similarity.toFixed(2)})`,
};

/** Why a question was flagged, as one sentence. */
function reason(flag: QuestionFlag): string {
  switch (flag.kind) {
    case "context":
      return `“${flag.phrase}” points at a text that a person who searches does not see.`;
    case "copy":
      return `${percent(flag.share)} of its three-word runs stand in the passage: it tests copying, not meaning.`;
    case "duplicate":
      return `An earlier question asks this ${HOW[flag.how](flag.similarity)}.`;
    case "not-found":
      return `${flag.by === "hybrid" ? "Hybrid search" : "Word search"} finds its passage at place ${count(flag.rank)} only, not among the first ${count(flag.top)}: it may fit other passages better.`;
    case "no-question":
      return "It asks nothing: no question mark and no word that asks.";
    case "short":
      return `It has only ${plural(flag.words, "word", "words")}.`;
    case "empty":
      return "It has no words.";
  }
}

const example = (text: string): string => text.replace(/^(document|passage):/, "");

export const gate = {
  title: "Worth training on?",
  intro:
    "The check flags questions that point at a text, copy it, repeat others, or whose passage the base search does not find.",
  check: "Check questions",
  checkAgain: "Check again",
  checking: "Checking…",
  unchecked: (questions: number): string =>
    `${plural(questions, "question is", "questions are")} not checked yet.`,
  waiting: (questions: number): string =>
    `${plural(questions, "flagged question waits", "flagged questions wait")} for your decision and ${questions === 1 ? "is" : "are"} not used until then.`,
  review: "Review them",
  result: (view: GateView): string =>
    view.flagged === 0
      ? `${plural(view.checked, "question", "questions")} checked, nothing found.`
      : `${plural(view.checked, "question", "questions")} checked, ${count(view.flagged)} flagged:`,
  searched: ({ searched, top }: GateView): string => {
    const first = `first ${count(top)}`;
    if (searched.bm25 === 0) return `Passages were looked for among the ${first} by hybrid search.`;
    if (searched.hybrid === 0)
      return `Passages were looked for among the ${first} by words (BM25): not everything is embedded yet.`;
    return `Passages were looked for among the ${first} by hybrid search, for ${plural(searched.bm25, "question", "questions")} without a vector by words (BM25).`;
  },
  importedNote: "Imported questions stay in use; only written ones wait for a decision.",
  top: "Its passage must be among the first",
  settings: "Settings of the check",
  flags: FLAGS,
  flagCount: (kind: FlagKind, found: number): string => `${FLAGS[kind]}: ${count(found)}`,
  reason,
  flagsOf: ({ flags }: QuestionView): string => (flags ?? []).map(({ kind }) => FLAGS[kind]).join(", "),
  why: "Why it was flagged",
  near: "Asked before",
  nearPassage: (same: boolean): string =>
    same ? "of the same passage" : "of another passage: both may be right",
  loading: "The passage comes…",

  filterFlag: "Flag",
  flagFilters: { ...FLAG_FILTERS, ...FLAGS },
  filterSource: "File",
  allSources: "All files",
  filterMaker: "Written by",
  makers: { all: "Anyone", ...MAKERS },

  leaksTitle: "Leaks between training and test",
  leaksIntro:
    "What stands on both sides is learned by heart, and the result looks better than it is. Compared are questions, passages word by word, and vectors where there are some.",
  look: "Look for leaks",
  lookAgain: "Look again",
  looking: "Looking…",
  stale: "The data changed since. Look again to be sure.",
  clean: "Nothing of the test was found in training.",
  leaking: (view: LeakView): string =>
    `${plural(view.questions.length, "test question", "test questions")} of ${count(view.testQuestions)} ask about something that training has seen.`,
  compared: (compared: LeakView["compared"]): string =>
    compared === "words"
      ? "Compared by words only: nothing is embedded yet."
      : "Compared by words and by vectors.",
  leakKinds: LEAKS,
  leakKind: "What",
  leakFound: "In the test",
  leakOf: (found: number, of: number): string => `${count(found)} of ${count(of)}`,
  examples: "Examples",
  strength: ({ kind, share }: LeakExample): string =>
    kind === "overlap"
      ? `${percent(share)} of its five-word runs`
      : kind.startsWith("near")
        ? `cosine ${share.toFixed(2)}`
        : "equal",
  inTest: "In the test",
  inTraining: "In training",
  groups: (groups: number): string => `What hangs together (${count(groups)})`,
  group: ({ train, test, questions }: LeakGroup): string =>
    `${names(test)} (test, ${plural(questions, "question", "questions")}) with ${names(train)}`,
  together: "Keep them on one side",
  togetherHint:
    "Documents that leak stay together from now on, on the side that has most of their questions. Everything else stays where it is.",
  togetherImpossible: "Files given for one side cannot be moved: leave the test questions out instead.",
  drop: (questions: number): string => `Leave out ${plural(questions, "test question", "test questions")}`,
  dropHint: "They are rejected; U in Questions takes that back.",
  kept: (groups: number): string => `${plural(groups, "group", "groups")} kept on one side.`,
  apart: "Forget this",

  tiesTitle: "Passages that say the same",
  tiesIntro:
    "Only one of them counts as the right answer, so a search that finds the other is called wrong. Make both right where they answer the same question.",
  ties: (ties: number): string =>
    `${plural(ties, "near-copy", "near-copies")} with at least this much in common`,
  tieShare: "In common, at least",
  acceptTie: "Both are right",
  acceptTies: (ties: number): string => `Both are right, for all ${count(ties)}`,
  tieQuestions: ({ questions }: TieView): string => plural(questions, "question", "questions"),
  tieRow: ({ share }: TieView): string => `${percent(share)} of its five-word runs`,
  judged: "Judged right",
  nearCopy: "Near-copy",
} as const;

function names(groups: readonly string[]): string {
  const shown = groups.slice(0, 3).map(example);
  return groups.length > shown.length
    ? `${shown.join(", ")} and ${count(groups.length - shown.length)} more`
    : shown.join(", ");
}
