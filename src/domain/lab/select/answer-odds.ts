// How likely each of a few given answers is, among these alone, without generating: the answers' tokens are a tree, and
//   P(answer) = Π over the tokens of its path where the tree branches of  p(token) / Σ p(tokens that stand there)
// which is what a constrained decoder would say. Answers of different first tokens (A/B/C, the digits) cost one forward pass.
import { RetuneError } from "../../../engine/errors.ts";
import type { Conversation } from "../../chat/template-messages.ts";
import type { LanguageModel } from "../../generate/language-model.ts";
import type { RunControl } from "../../ports.ts";
import { answerSequences } from "./answer-sequences.ts";

export interface AnswerChoice {
  readonly prompt: Conversation; // its last message is not the assistant's
  readonly answers: readonly string[]; // all different
}

/** A place where the answers of a question part. */
interface Branch {
  readonly question: number;
  readonly prompt: readonly number[]; // what stands before it
  readonly tokens: readonly number[]; // that may stand there, ascending
  readonly members: readonly (readonly number[])[]; // answers that go on with each token
}

/** Probabilities [questions][answers], each row sums to 1. "unsupported" where the tokenizer cannot tell two answers apart. */
export async function answerOdds(
  model: LanguageModel,
  questions: readonly AnswerChoice[],
  control: RunControl = {},
): Promise<readonly Float64Array[]> {
  const branches = questions.flatMap((question, place) => branchesOf(model, question, place));
  const logs = questions.map(({ answers }) => new Float64Array(answers.length));
  const total = branches.length;
  let done = 0;
  for (const group of sameTokens(branches)) {
    const own: RunControl = {
      ...(control.signal ? { signal: control.signal } : {}),
      onProgress: (progress) => control.onProgress?.({ ...progress, done: done + progress.done, total }),
    };
    const found = await model.nextTokens(
      group.map(({ prompt }) => prompt),
      group[0]!.tokens,
      own,
    );
    for (const [index, { question, members }] of group.entries()) {
      const shares = logShares(found[index]!);
      for (const [child, answers] of members.entries())
        for (const answer of answers) logs[question]![answer]! += shares[child]!;
    }
    done += group.length;
  }
  return logs.map((row) => row.map(Math.exp));
}

function branchesOf(model: LanguageModel, { prompt, answers }: AnswerChoice, question: number): Branch[] {
  const sequences = answerSequences(model.format, prompt, answers);
  const branches: Branch[] = [];
  const part = (members: readonly number[], from: number): void => {
    if (members.length < 2) return;
    const first = sequences[members[0]!]!;
    let at = from;
    while (at < first.length && members.every((member) => sequences[member]![at] === first[at])) at++;
    if (at >= first.length) {
      const what = `${JSON.stringify(answers[members[0]!])} and ${JSON.stringify(answers[members[1]!])}`;
      throw new RetuneError(
        "unsupported",
        `${model.name}: its tokenizer writes ${what} alike; take another model`,
      );
    }
    const byToken = grouped(members, (member) => sequences[member]![at]!);
    const tokens = [...byToken.keys()].sort((a, b) => a - b);
    const parts = tokens.map((token) => byToken.get(token)!);
    branches.push({ question, prompt: first.slice(0, at), tokens, members: parts });
    for (const own of parts) part(own, at + 1);
  };
  part(
    answers.map((_, place) => place),
    0,
  );
  return branches;
}

function grouped<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const own = groups.get(key);
    if (own) own.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

function sameTokens(branches: readonly Branch[]): readonly (readonly Branch[])[] {
  return [...grouped(branches, ({ tokens }) => tokens.join(" ")).values()];
}

/** ln of each share of the sum. */
function logShares(logs: Float64Array): Float64Array {
  const highest = Math.max(...logs);
  const sum = Math.log(logs.reduce((total, log) => total + Math.exp(log - highest), 0));
  return logs.map((log) => log - highest - sum);
}
