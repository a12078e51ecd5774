import { RetuneError } from "../../engine/errors.ts";
import type { ChatFormat } from "../chat/chat-format.ts";
import type { RunControl } from "../ports.ts";
import { CounterRandom } from "../random.ts";
import { Answer } from "./answer.ts";
import { onlyAllowed, type AnswerConstraint } from "./answer-constraint.ts";
import type { Constraint, Generated, GenerationSettings } from "./language-model.ts";
import { Pace } from "./pace.ts";
import { nextToken, type SamplingSettings, type TokenMask } from "./sampling.ts";
import type { ReadSequence, SequenceReader } from "./sequence-reader.ts";

const SAMPLING_STREAM = 41; // of a seed; each prompt has a stream of its own after it

/** What one call of `generate` works with. */
export interface GenerationParts {
  readonly format: ChatFormat;
  readonly reader: SequenceReader;
  readonly vocabSize: number;
  readonly sequences: number; // at a time
  readonly constrain: (constraint: Constraint) => Promise<AnswerConstraint>;
}

interface Underway {
  readonly prompt: number; // its place
  readonly sequence: ReadSequence;
  readonly answer: Answer;
  readonly random: CounterRandom;
  constraint?: AnswerConstraint;
  mask?: TokenMask; // of the token that comes next
  unread: readonly number[]; // the prompt, then what was picked after what was read
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
      stopIfCancelled(control);
      await begin(prompts, settings, parts, waiting, underway);
      await readOn([...underway], settings, parts);
      for (const own of underway) {
        if (!own.answer.hasEnded) continue;
        answers[own.prompt] = own.answer.generated;
        end(own, parts);
        underway.delete(own);
      }
      report(answers, underway, settings, control);
      await pace.next();
    }
  } finally {
    for (const own of underway) end(own, parts);
  }
  return answers.map((answer) => answer!);
}

/** Takes prompts from `waiting` while there is room. */
async function begin(
  prompts: readonly (readonly number[])[],
  settings: GenerationSettings,
  { format, reader, sequences, constrain }: GenerationParts,
  waiting: number[],
  underway: Set<Underway>,
): Promise<void> {
  const { maxTokens, stop = [], seed = 0, onText, constraints } = settings;
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
    const own: Underway = { prompt, sequence, answer, random, unread: ids };
    underway.add(own);
    const wanted = constraints?.[prompt];
    if (!wanted) continue;
    own.constraint = await constrain(wanted);
    own.mask = await own.constraint.mask();
  }
}

function end({ sequence, constraint }: Underway, { reader }: GenerationParts): void {
  reader.close(sequence);
  constraint?.dispose();
}

/** One token more for each, and those that its constraint leaves no choice about: they need no logits. */
async function readOn(
  underway: readonly Underway[],
  settings: GenerationSettings,
  { reader, vocabSize }: GenerationParts,
): Promise<void> {
  const { temperature = 0, topK = Infinity, topP = 1 } = settings;
  const sampling: SamplingSettings = { temperature, topK, topP };
  const logits = await reader.read(underway.map(({ sequence, unread }) => ({ sequence, ids: unread })));
  for (const [row, own] of underway.entries()) {
    const logitsOfRow = logits.subarray(row * vocabSize, (row + 1) * vocabSize);
    const picked: number[] = [];
    for (
      let id: number | undefined = nextToken(logitsOfRow, sampling, own.random, own.mask);
      id !== undefined;
      id = await forced(own)
    ) {
      own.constraint?.accept(id);
      own.answer.push(id);
      picked.push(id);
    }
    own.unread = picked;
  }
}

/** The token that must come next, if the answer goes on and is held to one. */
async function forced(own: Underway): Promise<number | undefined> {
  if (own.answer.hasEnded || !own.constraint) return undefined;
  own.mask = await own.constraint.mask();
  return onlyAllowed(own.mask);
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
