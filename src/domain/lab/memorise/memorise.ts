import { mean } from "../../eval/statistics.ts";
import type { LanguageModel } from "../../generate/language-model.ts";
import type { RunControl } from "../../ports.ts";
import { answersTo, fittingQuestion } from "../answered.ts";
import { exactMatch, tokenF1 } from "../distil/answer-overlap.ts";
import type { LabAnswer, LabSettings, LabTask } from "../lab-task.ts";
import { distinctTexts, lexicalRetriever, type PassageRetriever } from "../passage-retriever.ts";
import type { CanaryExample, FactExample, MemoriseExample, ReplayExample } from "./memorise-example.ts";
import { MEMORISE_MEASURES } from "./memorise-measures.ts";
import { readMemoriseRows } from "./memorise-rows.ts";
import { memoriseSides } from "./memorise-sides.ts";
import {
  answerRow,
  canaryTalk,
  continuationOf,
  continued,
  exposureOf,
  factTalk,
  probesOf,
  promptOf,
  replayTalk,
  type Probe,
} from "./probes.ts";

/** What RAG on the same model searches; without it the contexts of the rows that are asked, by BM25. */
export interface MemoriseGround {
  readonly retriever?: PassageRetriever;
  readonly topK?: number; // passages of a prompt, 2
}

/** Memorising: facts go into the weights, and are asked for with and without RAG beside. */
export function memoriseTask(ground: MemoriseGround = {}): LabTask<MemoriseExample> {
  return {
    id: "memorise",
    measures: MEMORISE_MEASURES,
    maxNewTokens: 64,
    read: readMemoriseRows,
    sides: memoriseSides,
    conversations: learntTalks,
    examine: (model, examples, settings, control) => examine(model, examples, settings, ground, control),
  };
}

/** A row that is never learnt has none. */
function learntTalks(example: MemoriseExample) {
  if (!example.learnt) return [];
  if (example.kind === "fact") return example.questions.map((question) => factTalk(example, question));
  return example.kind === "canary" ? [canaryTalk(example)] : [replayTalk(example)];
}

async function examine(
  model: LanguageModel,
  examples: readonly MemoriseExample[],
  { maxNewTokens = 64, seed = 0 }: LabSettings,
  ground: MemoriseGround,
  control?: RunControl,
): Promise<readonly LabAnswer[]> {
  const settings = { maxTokens: maxNewTokens, seed };
  const facts = examples.filter((example) => example.kind === "fact");
  const answers = new Map<MemoriseExample, LabAnswer>();
  for (const answer of await factAnswers(model, facts, settings, ground, control)) {
    answers.set(answer.example, answer.answer);
  }
  for (const example of examples) {
    if (example.kind === "canary") answers.set(example, await canaryAnswer(model, example, control));
  }
  const replayed = examples.filter((example) => example.kind === "replay");
  for (const [row, answer] of (await replayAnswers(model, replayed, control)).entries()) {
    answers.set(replayed[row]!, answer);
  }
  return examples.map((example) => answers.get(example)!);
}

interface ProbedFact {
  readonly example: FactExample;
  readonly answer: LabAnswer;
}

interface AskedProbe extends Probe {
  readonly example: FactExample;
}

async function factAnswers(
  model: LanguageModel,
  facts: readonly FactExample[],
  settings: { readonly maxTokens: number; readonly seed: number },
  ground: MemoriseGround,
  control?: RunControl,
): Promise<readonly ProbedFact[]> {
  const probes = facts.flatMap((example) => probesOf(example).map((probe) => ({ ...probe, example })));
  const closed = probes.map(({ example, question }) => promptOf(factTalk(example, question)));
  const texts = await answersTo(model, closed, settings, control);
  const retrieved = await ragAnswers(model, probes, settings, ground, control);
  const asked = facts.map((example) => {
    return example.learnt
      ? continuationOf(model.format, factTalk(example, example.questions[0]!))
      : undefined;
  });
  const verbatim = await continued(
    model,
    asked.filter((each) => each !== undefined),
    control,
  );
  let [at, place] = [0, 0];
  return facts.map((example, row) => {
    const own = probesOf(example).map((probe) => {
      const judged = { ...probe, answer: texts[at]!, ...(retrieved ? { rag: retrieved[at]! } : {}) };
      at++;
      return judged;
    });
    const word = asked[row] ? verbatim[place++] : undefined;
    const measures = {
      ...probeMeasures(own, example.answer),
      ...(word === undefined ? {} : { verbatim: word }),
    };
    const detail = { wanted: example.answer, probes: own };
    return { example, answer: { id: example.id, text: own[0]!.answer, measures, detail } };
  });
}

interface JudgedProbe extends Probe {
  readonly answer: string;
  readonly rag?: string;
}

const RAG = { seen: "ragSeen", paraphrased: "ragParaphrased", control: "ragControl" } as const;

/** Means over the probes of a kind. */
function probeMeasures(probes: readonly JudgedProbe[], wanted: string): Readonly<Record<string, number>> {
  const measures: Record<string, number> = {};
  for (const kind of new Set(probes.map((probe) => probe.kind))) {
    const own = probes.filter((probe) => probe.kind === kind);
    measures[kind] = mean(own.map(({ answer }) => exactMatch(answer, wanted)));
    measures[`${kind}F1`] = mean(own.map(({ answer }) => tokenF1(answer, wanted)));
    const found = own.flatMap(({ rag }) => (rag === undefined ? [] : [exactMatch(rag, wanted)]));
    if (found.length > 0) measures[RAG[kind]] = mean(found);
  }
  return measures;
}

/** The same questions over retrieved passages; undefined where there is nothing to search. */
async function ragAnswers(
  model: LanguageModel,
  probes: readonly AskedProbe[],
  settings: { readonly maxTokens: number; readonly seed: number },
  { retriever, topK = 2 }: MemoriseGround,
  control?: RunControl,
): Promise<readonly string[] | undefined> {
  const contexts = distinctTexts(probes.map(({ example }) => example.context));
  if (!retriever && contexts.length === 0) return undefined;
  const search = retriever ?? lexicalRetriever(contexts);
  const questions = probes.map(({ question }) => question);
  const found = await search.retrieve(questions, topK, control);
  const prompts = questions.map((question, row) => {
    const passages = found[row]!.map(({ text }) => text);
    return fittingQuestion(model, passages, question, settings.maxTokens);
  });
  return answersTo(model, prompts, settings, control);
}

async function canaryAnswer(
  model: LanguageModel,
  example: CanaryExample,
  control?: RunControl,
): Promise<LabAnswer> {
  const { exposure, rank, among } = await exposureOf(model, example, control);
  const text = `rank ${rank} of ${among}`;
  return { id: example.id, text, measures: { exposure }, detail: { rank, among, canary: example.text } };
}

async function replayAnswers(
  model: LanguageModel,
  examples: readonly ReplayExample[],
  control?: RunControl,
): Promise<readonly LabAnswer[]> {
  if (examples.length === 0) return [];
  const rows = examples.map((example) => answerRow(model.format, replayTalk(example)));
  const scores = await model.score(rows, control);
  return examples.map(({ id, answer }, row) => {
    const replay = scores[row]!;
    const replayPerplexity = Math.exp(replay.loss / Math.max(1, replay.tokens));
    return { id, text: "", measures: { replayPerplexity }, detail: { replay, wanted: answer } };
  });
}
