// A call of LlamaIndex's PairwiseComparisonEvaluator or CorrectnessEvaluator, as its fine-tuning handler logs it: the parts
// stand between the marks of the prompts' layout.
import type { Chat, ChatMessage } from "../../formats/datasets/chat.ts";
import type { CorrectnessExample, PairwiseExample } from "./judge-example.ts";
import { parsedScore, parsedVerdict } from "./verdicts.ts";

type Parts<Example> = Omit<Example, "id" | "line" | "group">;

const NO_REFERENCE = "(NO REFERENCE ANSWER SUPPLIED)";
const PAIRWISE = [
  "[User Question]\n",
  "\n\n[The Start of Reference]\n",
  "\n[The End of Reference]\n\n[The Start of Assistant A's Answer]\n",
  "\n[The End of Assistant A's Answer]\n\n[The Start of Assistant B's Answer]\n",
  "\n[The End of Assistant B's Answer]",
];
const CORRECTNESS = ["## User Query\n", "\n\n## Reference Answer\n", "\n\n## Generated Answer\n", ""];

/** Undefined where the chat is something else, or its answer holds no verdict. */
export function loggedCall({
  messages,
}: Chat): Parts<PairwiseExample> | Parts<CorrectnessExample> | undefined {
  const [asked, answered] = messages.slice(-2);
  const before = messages.slice(0, -2);
  if (asked?.role !== "user" || answered?.role !== "assistant" || before.length > 1) return undefined;
  const [user, text] = [contentOf(asked), contentOf(answered)];
  return pairwise(user, text) ?? correctness(user, text);
}

function contentOf({ content }: ChatMessage): string {
  return (content ?? "").trim();
}

function pairwise(user: string, text: string): Parts<PairwiseExample> | undefined {
  const found = partsBetween(
    user.replaceAll("Assistant A’s", "Assistant A's").replaceAll("Assistant B’s", "Assistant B's"),
    PAIRWISE,
  );
  const verdict = parsedVerdict(text);
  if (!found || verdict === undefined) return undefined;
  const [question, reference, answerA, answerB] = found as Four;
  const feedback = text.replace(/(?:final verdict:?\s*)?'?\[\[[ABC]\]\]'?\.?\s*$/i, "").trim();
  return {
    ...{ kind: "pairwise", question, answerA, answerB, verdict },
    ...(reference.trim() === "" ? {} : { reference }),
    ...(feedback === "" ? {} : { feedback }),
  };
}

function correctness(user: string, text: string): Parts<CorrectnessExample> | undefined {
  const found = partsBetween(user, CORRECTNESS);
  const score = parsedScore(text);
  if (!found || score === undefined || score < 1 || score > 5) return undefined;
  const [question, reference, answer] = found as Four;
  const feedback = text.split("\n").slice(1).join("\n").trim();
  return {
    ...{ kind: "correctness", question, answer, score },
    ...(reference.trim() === "" || reference === NO_REFERENCE ? {} : { reference }),
    ...(feedback === "" ? {} : { feedback }),
  };
}

type Four = readonly [string, string, string, string];

/** What stands between marks that come in this order, the first at the beginning and the last at the end. */
function partsBetween(text: string, marks: readonly string[]): readonly string[] | undefined {
  const [first, ...more] = marks;
  if (!text.startsWith(first!)) return undefined;
  const parts: string[] = [];
  let from = first!.length;
  for (const mark of more) {
    const at = mark === more.at(-1) ? text.length - mark.length : text.indexOf(mark, from);
    if (at < from || !text.startsWith(mark, at)) return undefined;
    parts.push(text.slice(from, at));
    from = at + mark.length;
  }
  return parts;
}
