// What a judge is told and asked. The wording is ours; verdict marks and the marks around question, reference and answers are
// those of LlamaIndex's evaluators, so that what they logged and what is asked here have one form.
import type { ChatMessage } from "../../formats/datasets/chat.ts";
import type { CorrectnessExample, JudgeExample, PairwiseExample } from "./judge-example.ts";
import { exchanged, type Verdict } from "./verdicts.ts";

const PAIRWISE =
  "You are an impartial judge. Two assistants answered the user's question; a reference may be given. Choose the answer that " +
  "follows the question better and is right, helpful and to the point. Neither the order nor the length of the answers may " +
  "count.";
const VERDICT_FORM = "'[[A]]' if assistant A is better, '[[B]]' if assistant B is better, '[[C]]' for a tie.";
const CORRECTNESS =
  "You judge how right an answer to a question is; a reference answer may be given. The score is a number from 1 to 5: 1 has " +
  "nothing to do with the question, 2 or 3 is about it but wrong in places, 4 or 5 is right.";

/** The call as given, or with the two answers exchanged. */
export function judgePrompt(example: JudgeExample, flipped = false): readonly ChatMessage[] {
  const own = example.instruction;
  const system = own ?? defaultSystem(example);
  const shown = flipped && example.kind === "pairwise" ? withExchangedAnswers(example) : example;
  const content = own === undefined ? longForm(shown) : shortForm(shown);
  return [
    ...(system === "" ? [] : [{ role: "system", content: system } as const]),
    { role: "user", content },
  ];
}

function defaultSystem({ kind, feedback }: JudgeExample): string {
  if (kind === "pairwise") {
    const order =
      feedback === undefined
        ? "Reply with the verdict alone"
        : "Compare them briefly, then end with the verdict";
    return `${PAIRWISE} ${order}: ${VERDICT_FORM}`;
  }
  const order =
    feedback === undefined
      ? "Reply with the score alone."
      : "Write the score alone on the first line, the reason below.";
  return `${CORRECTNESS} ${order}`;
}

/** The same two answers in the other order, with the verdict that then is right. */
export function withExchangedAnswers(example: PairwiseExample): PairwiseExample {
  const { answerA, answerB, verdict } = example;
  return { ...example, answerA: answerB, answerB: answerA, verdict: exchanged(verdict) };
}

/** What the model is to say about a row: feedback stands before a verdict of two answers, and after a score. */
export function judgeAnswer(example: JudgeExample): string {
  const { feedback } = example;
  if (example.kind === "pairwise") {
    const verdict = verdictText(example.verdict);
    return feedback === undefined ? verdict : `${feedback}\n${verdict}`;
  }
  const score = String(example.score);
  return feedback === undefined ? score : `${score}\n${feedback}`;
}

export function verdictText(verdict: Verdict): string {
  return `[[${verdict}]]`;
}

function longForm(example: JudgeExample): string {
  const { question, reference } = example;
  return example.kind === "pairwise" ? longPair(example, question, reference) : longScore(example);
}

function longPair({ answerA, answerB }: PairwiseExample, question: string, reference = ""): string {
  const parts = [
    `[User Question]\n${question}`,
    `[The Start of Reference]\n${reference}\n[The End of Reference]`,
    ...[
      ["A", answerA],
      ["B", answerB],
    ].map(([name, answer]) => {
      return `[The Start of Assistant ${name}’s Answer]\n${answer}\n[The End of Assistant ${name}’s Answer]`;
    }),
  ];
  return parts.join("\n\n");
}

function longScore({ question, reference, answer }: CorrectnessExample): string {
  const given = reference ?? "(NO REFERENCE ANSWER SUPPLIED)";
  return `## User Query\n${question}\n\n## Reference Answer\n${given}\n\n## Generated Answer\n${answer}`;
}

/** One line a part, for judges with instructions of their own. */
function shortForm(example: JudgeExample): string {
  const { question, reference } = example;
  const answers =
    example.kind === "pairwise"
      ? [`A: ${example.answerA}`, `B: ${example.answerB}`]
      : [`Answer: ${example.answer}`];
  const known = reference === undefined ? [] : [`Reference: ${reference}`];
  return [`Question: ${question}`, ...known, ...answers].join("\n");
}
