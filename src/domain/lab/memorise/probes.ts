// What is asked about a fact after it was learnt, closed-book and, with passages at hand, over what a retriever brings:
//
//   seen         the questions that were learnt
//   paraphrased  the same fact asked in words that were not
//   control      facts that were never learnt: what the model knew or guesses
//   verbatim     the first PREFIX tokens of a learnt answer → are the next NEXT the learnt ones (Carlini et al. 2023)
//   exposure     log2 |R| − log2 rank of a canary's secret among R by likelihood (Carlini et al. 2019)
import type { ChatFormat } from "../../chat/chat-format.ts";
import { renderedRows } from "../../chat/rendered-row.ts";
import type { Conversation } from "../../chat/template-messages.ts";
import type { LanguageModel } from "../../generate/language-model.ts";
import type { SupervisedSequence } from "../../models/llama/supervision.ts";
import type { RunControl } from "../../ports.ts";
import type { CanaryExample, FactExample, ReplayExample } from "./memorise-example.ts";

const PREFIX = 16; // tokens of an answer that are given
const NEXT = 16; // tokens that must follow
const FEWEST = 4; // tokens of an answer, below which nothing is left to continue

export type ProbeKind = "seen" | "paraphrased" | "control";

export interface Probe {
  readonly kind: ProbeKind;
  readonly question: string;
}

/** All that is asked about a fact. A control is asked in the words of its questions and paraphrases alike. */
export function probesOf({ learnt, questions, paraphrases }: FactExample): readonly Probe[] {
  const asked = questions.map((question) => ({ kind: learnt ? "seen" : "control", question }) as const);
  const other = paraphrases.map((question) => {
    return { kind: learnt ? "paraphrased" : "control", question } as const;
  });
  return [...asked, ...other];
}

export function factTalk({ system, answer }: FactExample, question: string): Conversation {
  return talk(question, answer, system);
}

export function replayTalk({ question, answer }: ReplayExample): Conversation {
  return talk(question, answer);
}

/** A canary as it is learnt, or with another secret in its place. */
export function canaryTalk({ text, secret }: CanaryExample, other = secret): Conversation {
  const [before, after] = text.split("{}") as [string, string];
  return talk(before.trim(), `${other}${after}`);
}

function talk(question: string, answer: string, system?: string): Conversation {
  const messages = [
    { role: "user", content: question },
    { role: "assistant", content: answer },
  ] as const;
  return { messages: system === undefined ? messages : [{ role: "system", content: system }, ...messages] };
}

export function promptOf({ messages }: Conversation): Conversation {
  return { messages: messages.slice(0, -1) };
}

/** The learnt tokens of a conversation's answer. */
export function answerRow(format: ChatFormat, conversation: Conversation): SupervisedSequence {
  return renderedRows(format, conversation, { learn: "last-answer" })[0]!;
}

/** Prompts that hold the beginning of an answer, and what must follow; undefined for answers of under four tokens. */
export interface Continuation {
  readonly ids: readonly number[];
  readonly expected: string;
  readonly tokens: number; // that are to be made
}

export function continuationOf(format: ChatFormat, conversation: Conversation): Continuation | undefined {
  const { ids, supervised } = answerRow(format, conversation);
  const start = supervised.indexOf(true);
  const answer = [...ids].slice(start).filter((id) => !format.endOfTurn.has(id));
  if (answer.length < FEWEST) return undefined;
  const given = Math.min(PREFIX, Math.floor(answer.length / 2));
  const next = answer.slice(given, given + NEXT);
  return {
    ids: [...ids].slice(0, start + given),
    expected: format.tokenizer.decode(next).trim(),
    tokens: next.length,
  };
}

/** 1 where the model continues as it has learnt, else 0. */
export async function continued(
  model: LanguageModel,
  asked: readonly Continuation[],
  control?: RunControl,
): Promise<readonly number[]> {
  const hits = new Array<number>(asked.length).fill(0);
  for (const tokens of new Set(asked.map((each) => each.tokens))) {
    const own = asked.flatMap((each, place) => (each.tokens === tokens ? [place] : []));
    const prompts = own.map((place) => asked[place]!.ids);
    const answers = await model.generate(prompts, { maxTokens: tokens }, control);
    for (const [index, place] of own.entries()) {
      hits[place] = answers[index]!.text.trim() === asked[place]!.expected ? 1 : 0;
    }
  }
  return hits;
}

/** log2 |R| − log2 rank; equal likelihoods share the middle of their ranks. */
export async function exposureOf(
  model: LanguageModel,
  canary: CanaryExample,
  control?: RunControl,
): Promise<{ readonly exposure: number; readonly rank: number; readonly among: number }> {
  const secrets = [canary.secret, ...canary.alternatives];
  const rows = secrets.map((secret) => answerRow(model.format, canaryTalk(canary, secret)));
  const [own, ...others] = (await model.score(rows, control)).map(({ loss }) => loss);
  const better = others.filter((loss) => loss < own!).length;
  const equal = others.filter((loss) => loss === own!).length;
  const rank = 1 + better + equal / 2;
  return { exposure: Math.log2(secrets.length) - Math.log2(rank), rank, among: secrets.length };
}
