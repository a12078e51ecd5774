// A small model as judge, held to the verdicts of a larger one or of people. Verdicts on two answers are asked twice, with the
// answers exchanged: only what both calls say is a verdict, else it is a tie. Without feedback a call is one forward pass, its
// verdict the likeliest of the possible ones; with feedback it is generated and read.
import type { Conversation } from "../../chat/template-messages.ts";
import type { LanguageModel } from "../../generate/language-model.ts";
import type { RunControl } from "../../ports.ts";
import { answersTo } from "../answered.ts";
import type { LabAnswer, LabSettings, LabTask } from "../lab-task.ts";
import { answerOdds } from "../select/answer-odds.ts";
import type { CorrectnessExample, JudgeExample, PairwiseExample } from "./judge-example.ts";
import { JUDGE_MEASURES, SCORES, wholeScore, type JudgeDetail } from "./judge-measures.ts";
import { judgeAnswer, judgePrompt, verdictText, withExchangedAnswers } from "./judge-prompt.ts";
import { readJudgeRows } from "./judge-rows.ts";
import {
  consensusOf,
  consistentVerdict,
  exchanged,
  parsedScore,
  parsedVerdict,
  VERDICTS,
  type Verdict,
} from "./verdicts.ts";

const MAX_NEW_TOKENS = 400; // feedback and verdict

export const judgeTask: LabTask<JudgeExample> = {
  id: "judge",
  measures: JUDGE_MEASURES,
  maxNewTokens: MAX_NEW_TOKENS,
  read: readJudgeRows,
  conversations: (example) => taught(example).map(conversationOf),
  examine,
};

/** Verdicts are taught in both orders, so that none is worth more; feedback that names A and B is not turned round. */
function taught(example: JudgeExample): readonly JudgeExample[] {
  if (example.kind === "correctness" || example.feedback !== undefined) return [example];
  return [example, withExchangedAnswers(example)];
}

function conversationOf(example: JudgeExample): Conversation {
  return { messages: [...judgePrompt(example), { role: "assistant", content: judgeAnswer(example) }] };
}

/** One question to the judge. */
interface Call {
  readonly example: JudgeExample;
  readonly flipped: boolean;
}

async function examine(
  model: LanguageModel,
  examples: readonly JudgeExample[],
  settings: LabSettings,
  control: RunControl = {},
): Promise<readonly LabAnswer[]> {
  const calls = examples.flatMap((example): Call[] => [
    { example, flipped: false },
    ...(example.kind === "pairwise" ? [{ example, flipped: true }] : []),
  ]);
  const texts = await said(model, calls, settings, control);
  let next = 0;
  return examples.map((example) =>
    example.kind === "pairwise"
      ? pairwiseAnswer(example, texts[next++]!, texts[next++]!)
      : correctnessAnswer(example, texts[next++]!),
  );
}

/** The judge's words of each call. */
async function said(
  model: LanguageModel,
  calls: readonly Call[],
  settings: LabSettings,
  control: RunControl,
): Promise<readonly string[]> {
  const texts = new Array<string>(calls.length);
  const [written, chosen] = [true, false].map((feedback) =>
    [...calls.keys()].filter((place) => (calls[place]!.example.feedback !== undefined) === feedback),
  );
  const promptAt = (place: number): Conversation => {
    const { example, flipped } = calls[place]!;
    return { messages: judgePrompt(example, flipped) };
  };
  const choices = chosen!.map((place) => ({
    prompt: promptAt(place),
    answers: possible(calls[place]!.example),
  }));
  const odds = await answerOdds(model, choices, control);
  for (const [index, place] of chosen!.entries())
    texts[place] = choices[index]!.answers[likeliest(odds[index]!)]!;
  const maxTokens = settings.maxNewTokens ?? MAX_NEW_TOKENS;
  const answers = await answersTo(model, written!.map(promptAt), { maxTokens }, control);
  for (const [index, place] of written!.entries()) texts[place] = answers[index]!;
  return texts;
}

function possible({ kind }: JudgeExample): readonly string[] {
  return kind === "pairwise" ? VERDICTS.map(verdictText) : SCORES.map(String);
}

function likeliest(odds: Float64Array): number {
  return odds.indexOf(Math.max(...odds));
}

function pairwiseAnswer(example: PairwiseExample, first: string, second: string): LabAnswer {
  const [original, flipped] = [parsedVerdict(first), parsedVerdict(second)];
  const right = example.verdict;
  if (original === undefined || flipped === undefined) {
    const detail = { kind: "pairwise", right, said: null, consensus: null } as const;
    const read = { original: original ?? null, flipped: flipped ?? null };
    return answerOf(example, first, { agreement: 0, positionConsistency: 0 }, { ...detail, ...read });
  }
  const [verdict, consensus] = [consistentVerdict(original, flipped), consensusOf(original, flipped)];
  const measures = {
    agreement: hit(verdict, right),
    positionConsistency: Number(original === exchanged(flipped)),
    ...(consensus.winner === undefined ? {} : { conclusiveAgreement: hit(consensus.winner, right) }),
  };
  return answerOf(example, first, measures, {
    kind: "pairwise",
    right,
    said: verdict,
    original,
    flipped,
    consensus,
  });
}

function hit(verdict: Verdict, right: Verdict): number {
  return verdict === right ? 1 : 0;
}

function correctnessAnswer(example: CorrectnessExample, text: string): LabAnswer {
  const parsed = parsedScore(text);
  const score = parsed !== undefined && parsed >= 1 && parsed <= 5 ? parsed : null;
  const agreement = Number(score !== null && wholeScore(score) === wholeScore(example.score));
  return answerOf(example, text, { agreement }, { kind: "correctness", right: example.score, said: score });
}

function answerOf(
  { id }: JudgeExample,
  text: string,
  measures: Readonly<Record<string, number>>,
  detail: JudgeDetail,
): LabAnswer {
  return { id, text, measures, detail: { ...detail } };
}
