// Tokens, epochs and price of a fine-tuning job as OpenAI estimates them (the cookbook's check, which LlamaIndex's
// validate_json.py runs): 3 a message, the tokens of every value, 1 more for a name, 3 at the end.
import { percentile } from "../eval/statistics.ts";
import type { Chat, ChatMessage } from "../formats/datasets/chat.ts";

/** Smallest, largest, mean, median, and the 0.1 and 0.9 quantiles, which the original calls p5 and p95. */
export interface Distribution {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly median: number;
  readonly tenth: number;
  readonly ninetieth: number;
}

export interface TrainingEstimate {
  readonly examples: number;
  readonly missingSystem: number;
  readonly missingUser: number;
  readonly messages: Distribution; // of an example
  readonly tokens: Distribution;
  readonly answerTokens: Distribution; // of the assistant's texts
  readonly tooLong: number; // examples over the limit
  readonly epochTokens: number; // those over the limit count as the limit
  readonly epochs: number;
  readonly totalTokens: number; // epochTokens × epochs
}

const [PER_MESSAGE, PER_NAME, PER_EXAMPLE] = [3, 1, 3];
const TARGET = { epochs: 3, fewest: 100, most: 25_000, mostEpochs: 25 };
const LIMIT = 4096;

/** `count` gives the tokens of a text: OpenAI counts with cl100k_base, we with the model's own tokenizer. */
export function trainingEstimate(
  chats: readonly Chat[],
  count: (text: string) => number,
  limit = LIMIT,
): TrainingEstimate {
  const lengths = chats.map(({ messages }) => chatTokens(messages, count));
  const has = (role: string, { messages }: Chat): boolean =>
    messages.some((message) => message.role === role);
  const epochTokens = lengths.reduce((sum, length) => sum + Math.min(limit, length), 0);
  const epochs = defaultEpochs(chats.length);
  return {
    examples: chats.length,
    missingSystem: chats.filter((chat) => !has("system", chat)).length,
    missingUser: chats.filter((chat) => !has("user", chat)).length,
    messages: distribution(chats.map(({ messages }) => messages.length)),
    tokens: distribution(lengths),
    answerTokens: distribution(chats.map(({ messages }) => answerTokens(messages, count))),
    tooLong: lengths.filter((length) => length > limit).length,
    ...{ epochTokens, epochs, totalTokens: epochTokens * epochs },
  };
}

/** 3 epochs; up to 25 where that is fewer than 100 examples in all, down to 1 where it is more than 25,000. */
export function defaultEpochs(examples: number): number {
  const { epochs, fewest, most, mostEpochs } = TARGET;
  if (examples === 0) return epochs;
  if (examples * epochs < fewest) return Math.min(mostEpochs, Math.floor(fewest / examples));
  if (examples * epochs > most) return Math.max(1, Math.floor(most / examples));
  return epochs;
}

/** Tokens of a conversation by OpenAI's count; of calls, what the model writes: name and arguments. */
export function chatTokens(messages: readonly ChatMessage[], count: (text: string) => number): number {
  const each = messages.map(({ role, content = "", name, calls = [], answers = "" }) => {
    const called = calls.reduce((sum, call) => sum + count(call.name) + count(call.arguments), 0);
    const named = name === undefined ? 0 : count(name) + PER_NAME;
    return PER_MESSAGE + count(role) + count(content) + named + called + count(answers);
  });
  return each.reduce((sum, tokens) => sum + tokens, PER_EXAMPLE);
}

/** What a job at a price for a million tokens costs: none at home, that of a service where one trains. */
export function trainingPrice({ totalTokens }: TrainingEstimate, perMillion: number): number {
  return (totalTokens * perMillion) / 1_000_000;
}

function answerTokens(messages: readonly ChatMessage[], count: (text: string) => number): number {
  const answers = messages.filter(({ role }) => role === "assistant");
  return answers.reduce((sum, { content = "" }) => sum + count(content), 0);
}

/** Zeros where there is nothing; quantiles lie between neighbours in a line, as numpy.quantile's. */
function distribution(values: readonly number[]): Distribution {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => (sorted.length === 0 ? 0 : percentile(sorted, share));
  const sum = values.reduce((total, value) => total + value, 0);
  return {
    min: at(0),
    max: at(1),
    mean: sum / Math.max(1, values.length),
    median: at(0.5),
    tenth: at(0.1),
    ninetieth: at(0.9),
  };
}
