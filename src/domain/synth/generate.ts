// Questions for many passages. The job holds no state of its own: it takes the rows that are already there, skips their
// passages by content hash, and yields each new row as it comes, for the caller to store. A failed passage is yielded
// too and tried again by the next run. Unlike LlamaIndex's resume by position, no edit or failure can shift a row.
import { RetuneError, toWire, type WireError } from "../../engine/errors.ts";
import type { Dataset, Passage, Query } from "../data/dataset.ts";
import { sha256 } from "../data/hash.ts";
import { comparable } from "../data/leaks.ts";
import type { GeneratedQuestion, Generator, RunControl } from "../ports.ts";

export type GenerationPassage = Passage & { readonly heading?: string };

/** The questions of one passage, as stored. */
export interface GenerationRow {
  readonly key: string; // SHA-256 of generator, count, passage id and text
  readonly passage: string; // id
  readonly questions: readonly GeneratedQuestion[];
}

export type GenerationEvent =
  | { readonly kind: "row"; readonly row: GenerationRow }
  | { readonly kind: "failed"; readonly passage: string; readonly error: WireError };

export interface GenerationOptions extends RunControl {
  readonly count?: number; // questions a passage
  readonly concurrency?: number; // passages asked about at once
  readonly done?: readonly GenerationRow[]; // of earlier runs
  readonly failuresInARow?: number; // then the job stops: the teacher is gone, not a passage odd
}

type GeneratorWithIdentity = Generator & { readonly identity?: string };

/**
 * Asks the generator about every passage that `done` does not cover, yielding rows in the order they come.
 * Rejects with "cancelled", with the generator's own "usage" error, or with the last error of a row of failures.
 */
export async function* generateQuestions(
  passages: readonly GenerationPassage[],
  generator: GeneratorWithIdentity,
  options: GenerationOptions = {},
): AsyncGenerator<GenerationEvent, void, undefined> {
  const { count = 2, concurrency = 4, done = [], failuresInARow = 8, signal, onProgress } = options;
  const known = new Set(done.map((row) => row.key));
  const keys = await Promise.all(passages.map((passage) => rowKey(generator, passage, count)));
  const open = passages.flatMap((passage, index) =>
    known.has(keys[index]!) ? [] : [{ passage, key: keys[index]! }],
  );
  const running = new Map<string, Promise<GenerationEvent>>();
  const stop = new AbortController();
  const both = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  let failures = 0;
  let finished = passages.length - open.length;
  try {
    onProgress?.({ done: finished, total: passages.length });
    for (let next = 0; next < open.length || running.size > 0;) {
      while (next < open.length && running.size < concurrency && !both.aborted) {
        const { passage, key } = open[next++]!;
        running.set(passage.id, generateRow(generator, passage, key, count, both));
      }
      if (signal?.aborted) throw cancelled();
      const event = await Promise.race(running.values());
      running.delete(event.kind === "row" ? event.row.passage : event.passage);
      failures = event.kind === "failed" ? failures + 1 : 0;
      finished++;
      onProgress?.({ done: finished, total: passages.length });
      yield event;
      if (event.kind === "failed" && failures >= failuresInARow) throw gaveUp(event.error, failures);
    }
  } finally {
    stop.abort(); // also when the caller stops pulling
    await Promise.allSettled(running.values());
  }
}

/** Identifies what a row answers to: change the passage, the model, the prompt or the count, and it is asked again. */
export async function rowKey(
  generator: GeneratorWithIdentity,
  passage: Passage,
  count: number,
): Promise<string> {
  return sha256(
    JSON.stringify([generator.kind, generator.identity ?? generator.name, count, passage.id, passage.text]),
  );
}

/**
 * The dataset of the rows, in the order of the passages, whatever the order they came in. Passages without questions
 * stay in the corpus, where they make search harder, as they will in use. A question that two passages share has both
 * as answers. Rows of other passages or an older text are left out.
 */
export async function assembleDataset(
  passages: readonly GenerationPassage[],
  generator: GeneratorWithIdentity,
  rows: readonly GenerationRow[],
  count = 2,
): Promise<Dataset> {
  const byKey = new Map(rows.map((row) => [row.key, row]));
  const queries = new Map<string, Query>();
  for (const passage of passages) {
    const row = byKey.get(await rowKey(generator, passage, count));
    for (const [index, question] of (row?.questions ?? []).entries()) {
      const same = queries.get(comparable(question.text));
      const judgement = { passage: passage.id, grade: 1 };
      if (!same) {
        queries.set(
          comparable(question.text),
          queryOf(question, `${passage.id}-q${index + 1}`, judgement, generator),
        );
      } else if (!same.relevant.some((other) => other.passage === passage.id)) {
        queries.set(comparable(question.text), { ...same, relevant: [...same.relevant, judgement] });
      }
    }
  }
  const corpus = passages.map(({ id, text, document }): Passage =>
    document === undefined ? { id, text } : { id, text, document },
  );
  return { queries: [...queries.values()], passages: corpus };
}

function queryOf(
  question: GeneratedQuestion,
  id: string,
  judgement: Query["relevant"][number],
  generator: Generator,
): Query {
  const origin = {
    kind: generator.kind,
    detail: question.rule ?? generator.name,
    ...(question.sentence === undefined ? {} : { sentence: question.sentence }),
  };
  return { id, text: question.text, relevant: [judgement], origin };
}

/** Never rejects but for errors that end the whole job. */
async function generateRow(
  generator: Generator,
  passage: GenerationPassage,
  key: string,
  count: number,
  signal: AbortSignal,
): Promise<GenerationEvent> {
  try {
    const questions = await generator.generate(passage, count, signal);
    return { kind: "row", row: { key, passage: passage.id, questions } };
  } catch (error) {
    if (signal.aborted) throw cancelled();
    if (!(error instanceof RetuneError) || error.code === "usage") throw error;
    return { kind: "failed", passage: passage.id, error: toWire(error) };
  }
}

function gaveUp(last: WireError, failures: number): RetuneError {
  const next = "rows so far are kept; look at the endpoint and start again";
  return new RetuneError(
    "network",
    `stopped after ${failures} passages in a row failed: ${last.message}; ${next}`,
  );
}

function cancelled(): RetuneError {
  return new RetuneError("cancelled", "question generation was cancelled; what was written so far is kept");
}
