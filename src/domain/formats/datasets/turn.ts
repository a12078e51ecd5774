// One kind of data as another. Scores become right and wrong where a format knows no scores, and back; chats become
// questions with answers. What cannot come along is stated, as for formats.
import { groupsOf } from "../../data/dataset.ts";
import type { RerankCandidate, RerankDataset } from "../../data/rerank-dataset.ts";
import { RetuneError } from "../../../engine/errors.ts";
import type { Chat } from "./chat.ts";
import type { ChatData, DataKind, FormatData, RetrievalData, ScoredData } from "./dataset-format.ts";
import { judgedTexts } from "./judged.ts";
import { counted, HAS, retrievalLosses, share } from "./losses.ts";
import { RowReport } from "./row-report.ts";
import { TextRows } from "./text-rows.ts";

export interface Turned<T extends FormatData> {
  readonly data: T;
  readonly losses: readonly string[];
}

/** A set of labels with this many values or fewer holds grades; with more it holds probabilities. */
const GRADE_VALUES = 6;
const RIGHT_PROBABILITY = 0.5;

/** The data as one of the kinds a format holds: as it is where it can, else as the first of them. */
export async function turnInto<K extends DataKind>(
  kinds: readonly [K, ...K[]],
  data: FormatData,
): Promise<Turned<Extract<FormatData, { kind: K }>>> {
  const own = kinds.includes(data.kind as K);
  const turned: Turned<FormatData> = own ? { data, losses: [] } : await TURNS[kinds[0]](data);
  return turned as Turned<Extract<FormatData, { kind: K }>>;
}

const TURNS: Readonly<Record<DataKind, (data: FormatData) => Promise<Turned<FormatData>>>> = {
  retrieval: toRetrieval,
  scored: toScored,
  chats: toChats,
};

/**
 * Questions and passages of any data. Of scored pairs a text is right by its kind where the set says it, by a teacher's
 * score above 0, by a grade above 0 or by a probability from 0.5. Of chats every user message with the answer that
 * follows makes a question and its passage. E_EMPTY where no question has a right text.
 */
export async function toRetrieval(data: FormatData): Promise<Turned<RetrievalData>> {
  if (data.kind === "retrieval") return { data, losses: [] };
  return data.kind === "scored" ? retrievalOfPairs(data.pairs) : retrievalOfChats(data.chats);
}

async function retrievalOfPairs(pairs: RerankDataset): Promise<Turned<RetrievalData>> {
  const isRight = rightness(pairs);
  const rows = new TextRows("", new RowReport());
  let left = 0;
  for (const [index, { id, text, candidates }] of pairs.queries.entries()) {
    const positives = candidates.filter(isRight).map((candidate) => ({
      text: candidate.text,
      grade: pairs.scores === "labels" && candidate.score > 0 ? candidate.score : 1,
    }));
    const negatives = candidates
      .filter((candidate) => !isRight(candidate))
      .map((candidate) => candidate.text);
    if (positives.length > 0) rows.add({ line: index + 1, id, query: text, positives, negatives });
    else left++;
  }
  if (left === pairs.queries.length) throw nothingRight(left);
  return { data: await rows.data(), losses: lostScores(pairs, left) };
}

/** Which texts of a set count as right; see toRetrieval. */
export function rightness({ queries, scores }: RerankDataset): (candidate: RerankCandidate) => boolean {
  const values = new Set(queries.flatMap(({ candidates }) => candidates.map(({ score }) => score)));
  const graded = scores === "teacher" || values.size <= GRADE_VALUES;
  return ({ kind, score }) => {
    if (kind !== "given") return kind === "positive";
    return graded ? score > 0 : score >= RIGHT_PROBABILITY;
  };
}

function lostScores({ queries, scores }: RerankDataset, left: number): string[] {
  const losses: string[] = [];
  if (left > 0)
    losses.push(`${share(left, queries.length, "question", HAS)} no right text; they are left out.`);
  const values = queries.flatMap(({ candidates }) => candidates.map(({ score }) => score));
  const isGraded = new Set(values).size <= GRADE_VALUES;
  if (scores === "teacher") {
    losses.push(
      `The scores of ${counted(values.length, "pair")} are not kept: above 0 a text counts as right.`,
    );
  } else if (!isGraded) {
    const low = values.filter((score) => score > 0 && score < RIGHT_PROBABILITY).length;
    losses.push(`The scores of ${counted(low, "pair")} below 0.5 are not kept: these texts count as wrong.`);
  }
  return losses;
}

async function retrievalOfChats(chats: readonly Chat[]): Promise<Turned<RetrievalData>> {
  const rows = new TextRows("", new RowReport(), { spread: true });
  let pairs = 0;
  for (const [index, { messages }] of chats.entries()) {
    for (const [place, { role, content }] of messages.entries()) {
      const answer = messages[place + 1];
      if (role !== "user" || content === undefined || answer?.role !== "assistant") continue;
      if (answer.content === undefined) continue;
      const positives = [{ text: answer.content, grade: 1 }];
      rows.add({ line: index + 1, query: content, positives, negatives: [] });
      pairs++;
    }
  }
  const others = chats.reduce((sum, { messages }) => sum + messages.length, 0) - 2 * pairs;
  if (pairs === 0) throw nothingRight(chats.length);
  const losses = [
    `${counted(pairs, "question")} with the answer after it came out of ${counted(chats.length, "chat")}.`,
  ];
  if (others > 0)
    losses.push(
      `${counted(others, "message")} beside these (system, calls, tools) ${others === 1 ? "is" : "are"} left out.`,
    );
  return { data: await rows.data(), losses };
}

/** Texts with scores of any data: a grade over the highest of the set for right texts, 0 for wrong ones. */
export async function toScored(data: FormatData): Promise<Turned<ScoredData>> {
  if (data.kind === "scored") return { data, losses: [] };
  const { data: own, losses } = await toRetrieval(data);
  const groups = new Map(
    groupsOf(own.dataset).map((group, index) => [own.dataset.queries[index]!.id, group]),
  );
  const rows = judgedTexts(own);
  const highest = rows.reduce(
    (most, { positives }) => positives.reduce((top, { grade }) => Math.max(top, grade), most),
    1,
  );
  const queries = rows.map(({ id, text, positives, negatives }) => ({
    id,
    text,
    group: groups.get(id)!,
    candidates: [
      ...positives.map((each) => ({
        text: each.text,
        score: each.grade / highest,
        kind: "positive" as const,
      })),
      ...negatives.map((each) => ({ text: each, score: 0, kind: "mined" as const })),
    ],
  }));
  if (queries.length === 0) throw nothingRight(own.dataset.queries.length);
  const scaled = highest > 1 ? [`Grades up to ${highest} are written as shares of the highest.`] : [];
  const beside = retrievalLosses("a set of scored pairs", own, SCORED_HOLDS);
  return {
    data: { kind: "scored", pairs: { scores: "labels", queries } },
    losses: [...losses, ...scaled, ...beside],
  };
}

const SCORED_HOLDS = {
  ids: "questions",
  passagesByText: true,
  manyPositives: true,
  grades: true,
  negatives: true,
  unusedPassages: false,
  documents: false,
  splits: false,
  prompts: false,
} as const;

/** A chat a question: the person asks it, the assistant answers with the text of its first right passage. */
async function toChats(data: FormatData): Promise<Turned<ChatData>> {
  if (data.kind === "chats") return { data, losses: [] };
  const { data: own, losses } = await toRetrieval(data);
  const chats = judgedTexts(own).map(({ text, prompt, positives }): Chat => {
    const asked = [
      { role: "user", content: text },
      { role: "assistant", content: positives[0]!.text },
    ] as const;
    return {
      style: "plain",
      messages: prompt === undefined ? asked : [{ role: "system", content: prompt }, ...asked],
    };
  });
  if (chats.length === 0) throw nothingRight(own.dataset.queries.length);
  const holds = {
    ...SCORED_HOLDS,
    ids: "none",
    manyPositives: false,
    grades: false,
    negatives: false,
    prompts: true,
  } as const;
  const beside = retrievalLosses("a chat", own, holds);
  return { data: { kind: "chats", chats }, losses: [...losses, ...beside] };
}

function nothingRight(count: number): RetuneError {
  return new RetuneError(
    "E_EMPTY",
    `none of ${count} questions has a right text, so nothing is left to write`,
  );
}
