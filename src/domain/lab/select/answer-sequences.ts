import type { ChatFormat } from "../../chat/chat-format.ts";
import { renderedRows } from "../../chat/rendered-row.ts";
import type { Conversation } from "../../chat/template-messages.ts";

type Ids = readonly number[];

/**
 * A prompt with each of its answers as ids, as they are learnt: up to the end of the turn. The prompt is rendered and tokenised
 * once where the template puts every answer at the same place and a control token stands before it, since nothing is read across
 * one; else every answer is a conversation of its own.
 */
export function answerSequences(
  format: ChatFormat,
  prompt: Conversation,
  answers: readonly string[],
): readonly Ids[] {
  const [first, ...more] = answers;
  const whole = learntSequence(format, prompt, first!);
  if (more.length === 0) return [whole.ids.slice(0, whole.end)];
  const ids = idsAfterPrompt(format, prompt, answers, whole);
  if (ids) return ids;
  return answers.map((answer) => {
    const own = learntSequence(format, prompt, answer);
    return own.ids.slice(0, own.end);
  });
}

interface LearntSequence {
  readonly ids: Ids;
  readonly from: number; // the first token of the answer
  readonly end: number; // after its last
}

function learntSequence(format: ChatFormat, prompt: Conversation, answer: string): LearntSequence {
  const { ids, supervised } = renderedRows(format, answered(prompt, answer), { learn: "last-answer" })[0]!;
  return { ids: [...ids], from: supervised.indexOf(true), end: supervised.lastIndexOf(true) + 1 };
}

function answered(prompt: Conversation, answer: string): Conversation {
  return { ...prompt, messages: [...prompt.messages, { role: "assistant", content: answer }] };
}

function idsAfterPrompt(
  format: ChatFormat,
  prompt: Conversation,
  answers: readonly string[],
  { ids, from, end }: LearntSequence,
): readonly Ids[] | undefined {
  const { tokenizer } = format;
  const [one, two] = answers.slice(0, 2).map((answer) => format.render(answered(prompt, answer)).text);
  const around = textAround(one!, two!, answers);
  const control = ids.findLastIndex((id, at) => at < from && tokenizer.isControl(id));
  if (!around || control < 0) return undefined;
  const piece = tokenizer.decode([ids[control]!]);
  const start = around.before.lastIndexOf(piece);
  if (piece === "" || start < 0) return undefined;
  const [before, known] = [around.before.slice(start + piece.length), ids.slice(0, control + 1)];
  const sequences = answers.map((answer) => [...known, ...tokenizer.encode(before + answer + around.after)]);
  const same = sequences[0]!.length === ids.length && sequences[0]!.every((id, at) => id === ids[at]);
  return same ? sequences.map((own) => own.slice(0, own.length - (ids.length - end))) : undefined;
}

/** What stands before and after the first two answers in their conversations; undefined where it differs. */
function textAround(
  one: string,
  two: string,
  [first, second]: readonly string[],
): { readonly before: string; readonly after: string } | undefined {
  let common = 0;
  while (common < one.length && one[common] === two[common]) common++;
  for (let at = common; at >= Math.max(0, common - first!.length); at--) {
    const [before, after] = [one.slice(0, at), one.slice(at + first!.length)];
    if (one.startsWith(first!, at) && two === before + second! + after) return { before, after };
  }
  return undefined;
}
