// Rows for distillation, made here: a question → the passages that a retriever brings → what the teacher answers. Questions come
// from src/domain/synth (rules, endpoint, local model); the teacher is any function from a conversation to a text. No state of its
// own: rows that are there already are skipped by key, each new one is yielded as it comes, a failed question is tried again by
// the next run.
import { RetuneError, toWire, type WireError } from "../../../engine/errors.ts";
import type { Conversation } from "../../chat/template-messages.ts";
import { sha256 } from "../../data/hash.ts";
import { openAiChatFormat } from "../../formats/datasets/openai-chat.ts";
import type { RunControl } from "../../ports.ts";
import { questionOver } from "../question-prompt.ts";

export interface TaughtQuestion {
  readonly id: string;
  readonly text: string;
  readonly document?: string; // whose rows stay on one side of a split
}

/** What answers, and what it answers from. */
export interface Teaching {
  readonly identity: string; // changes whenever the same prompt may be answered differently
  /** Texts of passages, best first; a question without any is asked bare. */
  retrieve(question: string, signal?: AbortSignal, id?: string): Promise<readonly string[]>;
  answer(prompt: Conversation, signal?: AbortSignal): Promise<string>;
}

/** One question with the teacher's answer, as stored. */
export interface TaughtRow {
  readonly key: string; // SHA-256 of teacher and prompt
  readonly question: string; // id
  readonly document?: string;
  readonly prompt: Conversation;
  readonly answer: string;
}

export type TeachingEvent =
  | { readonly kind: "row"; readonly row: TaughtRow }
  | { readonly kind: "failed"; readonly question: string; readonly error: WireError };

export interface TeachingOptions extends RunControl {
  readonly concurrency?: number; // questions asked at once, 2
  readonly done?: readonly TaughtRow[]; // of earlier runs
  readonly failuresInARow?: number; // then the teacher is gone, not a question odd; 8
}

/** Yields rows in the order they come. Rejects with "cancelled", or after a row of failures or one that trying again does not cure. */
export async function* taughtRows(
  questions: readonly TaughtQuestion[],
  teaching: Teaching,
  options: TeachingOptions = {},
): AsyncGenerator<TeachingEvent, void, undefined> {
  const { concurrency = 2, done = [], failuresInARow = 8, signal, onProgress } = options;
  const known = new Set(done.map(({ key }) => key));
  const stop = new AbortController();
  const both = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const running = new Map<string, Promise<TeachingEvent | undefined>>();
  let [failures, finished] = [0, 0];
  try {
    for (let next = 0; next < questions.length || running.size > 0;) {
      while (next < questions.length && running.size < concurrency) {
        const question = questions[next++]!;
        running.set(question.id, taught(question, teaching, known, both));
      }
      const [id, event] = await Promise.race(
        [...running].map(async ([own, row]) => [own, await row] as const),
      );
      if (signal?.aborted)
        throw new RetuneError("cancelled", "asking the teacher was cancelled; its answers are kept");
      running.delete(id);
      onProgress?.({ done: ++finished, total: questions.length });
      if (!event) continue;
      failures = event.kind === "failed" ? failures + 1 : 0;
      yield event;
      if (event.kind === "failed" && (event.error.code === "usage" || failures >= failuresInARow))
        throw gaveUp(event.error, failures);
    }
  } finally {
    stop.abort(); // also when the caller stops pulling
    await Promise.allSettled(running.values());
  }
}

/** Undefined where the row is known already. */
async function taught(
  { id, text, document }: TaughtQuestion,
  teaching: Teaching,
  known: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<TeachingEvent | undefined> {
  try {
    const passages = await teaching.retrieve(text, signal, id);
    const prompt = passages.length > 0 ? questionOver(passages, text) : bare(text);
    const key = await sha256(JSON.stringify([teaching.identity, prompt]));
    if (known.has(key)) return undefined;
    const answer = (await teaching.answer(prompt, signal)).trim();
    if (answer === "")
      throw new RetuneError("network", `the teacher answered nothing to ${JSON.stringify(text)}`);
    return { kind: "row", row: { key, question: id, ...(document ? { document } : {}), prompt, answer } };
  } catch (error) {
    return { kind: "failed", question: id, error: toWire(error) };
  }
}

/** A question that no passage goes with. */
function bare(text: string): Conversation {
  return { messages: [{ role: "user", content: text }] };
}

function gaveUp({ code, message }: WireError, failures: number): RetuneError {
  const times = failures > 1 ? `${failures} times in a row` : "once";
  return new RetuneError(code === "usage" ? code : "network", `the teacher failed ${times}: ${message}`);
}

/**
 * Rows as LlamaIndex's OpenAIFineTuningHandler writes them, byte for byte: {"messages": […]} as Python's json.dumps, joined by
 * "\n" without one at the end (llamaindex.md §8.1).
 */
export async function handlerLines(rows: readonly TaughtRow[]): Promise<Uint8Array> {
  const chats = rows.map(({ prompt: { messages }, answer }) => ({
    messages: [...messages, { role: "assistant" as const, content: answer }],
    style: "plain" as const,
  }));
  const { files } = await openAiChatFormat.write({ kind: "chats", chats });
  return [...files.values()][0]!;
}
