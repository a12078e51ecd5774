import { rightPassages, type Dataset, type Query } from "../../domain/data/dataset.ts";
import type { JudgedTexts } from "../../domain/data/mining/mined-rows.ts";
import type { MiningReport } from "../../domain/data/mining/mining-report.ts";
import type { MinedPreview } from "../../domain/data/negatives.ts";
import type { StoredQuestion } from "../storage/records.ts";
import type {
  MinedQuestionView,
  MiningRequest,
  MiningView,
  NegativeCandidate,
  NegativeDecision,
} from "../studio-mining.ts";

// Proposed negatives and what a person made of them. What is accepted lies with the question; proposals and rejections
// are a finding, which the next mining replaces.

type QuestionProposals = Omit<MinedQuestionView, "text">;

/** The value of the finding "negatives". */
export interface NegativeProposals {
  readonly request: MiningRequest | null; // null before anything was mined
  readonly report: MiningReport | null;
  readonly questions: readonly QuestionProposals[];
}

export const NO_PROPOSALS: NegativeProposals = { request: null, report: null, questions: [] };

/** What was mined, with earlier decisions on the same passages kept. */
export function proposalsOf(
  dataset: Dataset,
  request: MiningRequest,
  { queries, positives, report }: MinedPreview,
  before: NegativeProposals,
): NegativeProposals {
  const rejected = new Map(
    before.questions.map(({ questionId, candidates }) => [
      questionId,
      new Set(candidates.filter(({ state }) => state === "rejected").map(({ passageId }) => passageId)),
    ]),
  );
  const idOf = (passage: number): string => dataset.passages[passage]!.id;
  const questions = dataset.queries.flatMap((query, question): QuestionProposals[] => {
    if (positives[question]!.length === 0) return [];
    const stateOf = (id: string): NegativeCandidate["state"] => {
      if (query.negatives?.includes(id)) return "accepted";
      return rejected.get(query.id)?.has(id) ? "rejected" : "proposed";
    };
    return [
      {
        questionId: query.id,
        positives: positives[question]!.map(({ passage, score }) => ({ passageId: idOf(passage), score })),
        candidates: queries[question]!.flatMap(({ passage, kind, rank, score }): NegativeCandidate[] => {
          if (kind === "positive") return [];
          const id = idOf(passage);
          return [{ passageId: id, kind, rank: rank || null, score, state: stateOf(id) }];
        }),
      },
    ];
  });
  return { request, report, questions };
}

/** Proposals beside what the questions hold now: the questions' word counts. Questions without either are left out. */
export function miningView(
  { queries, passages }: Dataset,
  { request, report, questions }: NegativeProposals,
  outdated: boolean,
): MiningView {
  const known = new Map(questions.map((each) => [each.questionId, each]));
  const present = new Set(passages.map(({ id }) => id));
  const rows = queries.flatMap((query): MinedQuestionView[] => {
    const own = known.get(query.id);
    if (!own && !query.negatives) return [];
    const candidates = currentCandidates(query, own?.candidates ?? []).filter(({ passageId }) =>
      present.has(passageId),
    );
    const positives = (own?.positives ?? positivesOf(query)).filter(({ passageId }) =>
      present.has(passageId),
    );
    return [{ questionId: query.id, text: query.text, positives, candidates }];
  });
  return { mined: request && report ? { request, report, outdated } : null, questions: rows };
}

function positivesOf(query: Query): MinedQuestionView["positives"] {
  return Array.from(rightPassages(query), (passageId) => ({ passageId, score: null }));
}

function currentCandidates(
  { negatives = [] }: Pick<Query, "negatives">,
  candidates: readonly NegativeCandidate[],
): NegativeCandidate[] {
  const accepted = new Set(negatives);
  const proposed = new Set(candidates.map(({ passageId }) => passageId));
  const given = negatives.filter((id) => !proposed.has(id));
  return [
    ...candidates.map((each): NegativeCandidate => {
      if (accepted.has(each.passageId)) return { ...each, state: "accepted" };
      return each.state === "accepted" ? { ...each, state: "proposed" } : each;
    }),
    ...given.map((passageId): NegativeCandidate => ({
      ...{ passageId, kind: "given", rank: null, score: null },
      state: "accepted",
    })),
  ];
}

/** What a person said of one question's candidates. */
export interface DecidedList {
  readonly accepted: readonly string[];
  readonly candidates: ReadonlySet<string>; // all that were decided between
  readonly open: boolean; // nothing is decided any more
}

/** What decisions lead to: what becomes of questions, new proposals, and the way back. */
export interface DecidedNegatives {
  readonly lists: ReadonlyMap<string, DecidedList>;
  readonly proposals: NegativeProposals;
  readonly back: readonly NegativeDecision[];
}

/** Takes decisions on training questions. Those on questions or passages that are no candidates are left out. */
export function decided(
  dataset: Dataset,
  proposals: NegativeProposals,
  decisions: readonly NegativeDecision[],
): DecidedNegatives {
  const wanted = new Map<string, Map<string, NegativeDecision["state"]>>();
  for (const { questionId, passageId, state } of decisions) {
    const own = wanted.get(questionId) ?? new Map<string, NegativeDecision["state"]>();
    wanted.set(questionId, own.set(passageId, state));
  }
  const known = new Map(proposals.questions.map((each) => [each.questionId, each]));
  const lists = new Map<string, DecidedList>();
  const back: NegativeDecision[] = [];
  for (const query of dataset.queries) {
    const changes = wanted.get(query.id);
    if (!changes) continue;
    const own = known.get(query.id);
    const candidates = currentCandidates(query, own?.candidates ?? []).map((each) => {
      const state = changes.get(each.passageId) ?? each.state;
      if (state === each.state) return each;
      back.push({ questionId: query.id, passageId: each.passageId, state: each.state });
      return { ...each, state };
    });
    const accepted = candidates.flatMap(({ state, passageId }) => (state === "accepted" ? [passageId] : []));
    const open = candidates.every(({ state }) => state === "proposed");
    lists.set(query.id, { accepted, candidates: new Set(candidates.map((each) => each.passageId)), open });
    const positives = own?.positives ?? positivesOf(query);
    known.set(query.id, { questionId: query.id, positives, candidates });
  }
  const order = dataset.queries.flatMap(({ id }) => (known.has(id) ? [known.get(id)!] : []));
  return { lists, proposals: { ...proposals, questions: order }, back };
}

/** A stored question after a decision; negatives that were no candidates (of the other side of the split) stay. */
export function withDecision(question: StoredQuestion, list: DecidedList | undefined): StoredQuestion {
  if (!list) return question;
  const { negatives = [], ...rest } = question;
  const others = negatives.filter((id) => !list.candidates.has(id));
  if (list.open && others.length === 0) return rest;
  return { ...rest, negatives: [...list.accepted, ...others] };
}

/** The training questions with what is accepted, for export. */
export function acceptedTexts({ queries, passages }: Dataset): readonly JudgedTexts[] {
  const texts = new Map(passages.map(({ id, text }) => [id, text]));
  const scored = (id: string) => ({ text: texts.get(id)!, score: 0 });
  return queries.flatMap((query): JudgedTexts[] => {
    if (!query.negatives?.length) return [];
    const right = positivesOf(query).map(({ passageId }) => scored(passageId));
    return [{ anchor: query.text, right, wrong: query.negatives.map(scored) }];
  });
}
