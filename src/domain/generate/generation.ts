import { RetuneError } from "../../engine/errors.ts";
import type { ChatFormat } from "../chat/chat-format.ts";
import type { RunControl } from "../ports.ts";
import { CounterRandom } from "../random.ts";
import { Answer } from "./answer.ts";
import type { AnswerConstraint } from "./constraint.ts";
import type { Generated, GenerationSettings } from "./language-model.ts";
import { Pace } from "./pace.ts";
import { nextToken, type SamplingSettings } from "./sampling.ts";
import type { ReadSequence, SequenceReader } from "./sequence-reader.ts";

const SAMPLING_STREAM = 41; // of a seed; each prompt has a stream of its own after it

/** What one call of `generate` works with. */
export interface GenerationParts {
  readonly format: ChatFormat;
  readonly reader: SequenceReader;
  readonly vocabSize: number;
  readonly sequences: number; // at a time
  /** What holds each prompt's answer, if anything does. */
  readonly constraints: readonly (AnswerConstraint | undefined)[];
}

interface Underway {
  readonly prompt: number; // its place
  readonly sequence: ReadSequence;
  readonly answer: Answer;
  readonly random: CounterRandom;
  unread: readonly number[]; // the prompt, then the token that was picked last
}

/**
 * Answers prompts, as many at a time as there is room for; a prompt that waits takes the place of an answer that ended. An
 * answer does not depend on which others are made beside it, but for the last bits of its logits.
 */
export async function generateAnswers(
  prompts: readonly (readonly number[])[],
  settings: GenerationSettings,
  parts: GenerationParts,
  control: RunControl = {},
): Promise<readonly Generated[]> {
  const answers = new Array<Generated | undefined>(prompts.length).fill(undefined);
  const waiting = prompts.map((_, prompt) => prompt).reverse();
  const underway = new Set<Underway>();
  const pace = new Pace();
  try {
    while (waiting.length > 0 || underway.size > 0) {
      begin(prompts, settings, parts, waiting, underway);
      await readOn([...underway], settings, parts);
      for (const own of underway) {
        if (!own.answer.hasEnded) continue;
        answers[own.prompt] = own.answer.generated;
        parts.reader.close(own.sequence);
        underway.delete(own);
      }
      report(answers, underway, settings, control);
      await pace.next();
      stopIfCancelled(control);
    }
  } finally {
    for (const { sequence } of underway) parts.reader.close(sequence);
  }
  return answers.map((answer) => answer!);
}

/** Takes prompts from `waiting` while there is room. */
function begin(
  prompts: readonly (readonly number[])[],
  settings: GenerationSettings,
  { format, reader, sequences }: GenerationParts,
  waiting: number[],
  underway: Set<Underway>,
): void {
  const { maxTokens, stop = [], seed = 0, onText } = settings;
  while (waiting.length > 0 && underway.size < sequences) {
    const prompt = waiting.at(-1)!;
    const ids = prompts[prompt]!;
    const sequence = reader.open(ids.length + maxTokens);
    if (!sequence) return;
    waiting.pop();
    const limits = { maxTokens, stop, endOfTurn: format.endOfTurn };
    const told = onText && ((text: string): void => onText(prompt, text));
    const answer = new Answer(format.tokenizer, limits, told);
    const random = CounterRandom.stream(CounterRandom.stream(seed, SAMPLING_STREAM).next(), prompt);
    underway.add({ prompt, sequence, answer, random, unread: ids });
  }
}

/** One token more for each. */
async function readOn(
  underway: readonly Underway[],
  settings: GenerationSettings,
  { reader, vocabSize, constraints }: GenerationParts,
): Promise<void> {
  const { temperature = 0, topK = Infinity, topP = 1 } = settings;
  const sampling: SamplingSettings = { temperature, topK, topP };
  const logits = await reader.read(underway.map(({ sequence, unread }) => ({ sequence, ids: unread })));
  for (const [row, own] of underway.entries()) {
    const constraint = constraints[own.prompt];
    const mask = await constraint?.mask();
    const id = nextToken(logits.subarray(row * vocabSize, (row + 1) * vocabSize), sampling, own.random, mask);
    constraint?.accept(id);
    own.answer.push(id);
    own.unread = [id];
  }
}

function report(
  answers: readonly (Generated | undefined)[],
  underway: ReadonlySet<Underway>,
  { maxTokens }: GenerationSettings,
  { onProgress }: RunControl,
): void {
  if (!onProgress) return;
  const finished = answers.filter((answer) => answer !== undefined).length;
  const made = [...underway].reduce((sum, { answer }) => sum + answer.tokens, 0);
  const label = `${finished} of ${answers.length} answers`;
  onProgress({ done: finished * maxTokens + made, total: answers.length * maxTokens, label });
}

export function stopIfCancelled({ signal }: RunControl): void {
  if (signal?.aborted) throw new RetuneError("cancelled", "Generation was cancelled.");
}
