import type { PairwiseDetail } from "../../domain/lab/judge/judge-measures.ts";
import type { ProbeKind } from "../../domain/lab/memorise/probes.ts";
import type { FieldVerdict } from "../../domain/lab/calls/call-judgement.ts";
import type { Trajectory } from "../../domain/lab/react/play.ts";
import { count } from "../format.ts";

const FIELDS: Readonly<Record<FieldVerdict, string>> = {
  right: "right",
  wrong: "another value",
  missing: "missing",
  extra: "not asked for",
};

const PROBES: Readonly<Record<ProbeKind, string>> = {
  seen: "learnt",
  paraphrased: "in other words",
  control: "never learnt",
};

const ENDED: Readonly<Record<Trajectory["ended"], string>> = {
  answer: "with an answer",
  unreadable: "with a step that cannot be read",
  steps: "without an answer, after as many steps as it may take",
  "no-room": "without an answer: its past fills what the model can read",
};

const VERDICTS = { A: "A is better", B: "B is better", C: "a tie" } as const;

/** What stands below an answer, by system. */
export const labDetail = {
  title: "How it was judged",
  faultsTitle: "What does not fit",
  figures: "Figures of this answer",
  whole: "the whole answer",
  nothing: "none",
  nothingFound: "no rows",
  shownOf: (shown: number, all: number): string =>
    all > shown ? ` ${count(shown)} of ${count(all)} rows.` : "",

  query: "The query, in the tables' own names",
  goldResult: "What the right query finds",
  result: "What this query finds",

  fields: (turn: number, turns: number): string =>
    turns > 1 ? `Fields of answer ${count(turn)}` : "Field by field",
  fieldColumns: ["Field", "Said", "Right", "Verdict"],
  fieldVerdicts: FIELDS,

  given: "Answers as given",
  exchanged: "Answers exchanged",
  together: "Both orders together",
  reference: "Reference",
  voted: "As LlamaIndex counts votes",
  inconclusive: "inconclusive",
  unreadable: "cannot be read",
  verdict: (verdict: PairwiseDetail["said"]): string =>
    verdict === null ? "cannot be read" : VERDICTS[verdict],
  score: "Score",

  trajectory: "Left alone with the tools",
  trajectoryColumns: ["The agent", "The tool answers"],
  steps: "Each step after the right steps before it",
  stepColumns: ["Step", "What it said"],
  ended: "It ended",
  endings: ENDED,
  answer: "Its answer",
  repeated: "It made a call that it had made before.",

  odds: "How likely each choice is to the model",
  oddsColumns: ["Choice", "Likelihood", "Mark"],
  none: "none of these",
  right: "right",
  chosen: "chosen",

  sourceStyle: "Style of the text given",
  referenceStyle: "Style of the text expected",

  probes: "How it was asked",
  probeColumns: ["Question", "Kind", "Answer", "With search"],
  probeKinds: PROBES,
  rank: "Rank of the secret",
  rankOf: (rank: number, among: number): string => `${count(rank)} of ${count(among)}, by likelihood`,

  passages: "Passages it was given",
  hit: "The right passage is among them",
  yes: "yes",
  no: "no",
  distracted: "Its answer with only wrong passages",
} as const;
