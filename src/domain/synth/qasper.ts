// LlamaIndex's data for a cross-encoder (llamaindex.md §6.1), from chunks and questions: of every question the best chunks
// are retrieved, and a judge is asked of each whether it helps to answer; "yes" is 1, "no" is 0, anything else is left
// out. Two of the original's flaws are not repeated: "Yes." counts as yes, and blank questions are never asked about.
import { RetuneError, toWire, type WireError } from "../../engine/errors.ts";
import { groupsOf, type Dataset } from "../data/dataset.ts";
import type { RerankDataset, RerankQuery } from "../data/rerank-dataset.ts";
import { topColumns } from "../eval/ranking.ts";
import { idOrder } from "../eval/metrics.ts";
import { rowOf, type Matrix } from "../matrix.ts";
import type { RunControl } from "../ports.ts";
import { endpointChat, type EndpointOptions } from "./endpoint.ts";

/** Says whether a text helps to answer a question; undefined where it says neither yes nor no. */
export interface RelevanceJudge {
  readonly name: string;
  relevant(question: string, text: string, signal?: AbortSignal): Promise<boolean | undefined>;
}

/** The judged chunks of one question, as stored; judgements that were neither yes nor no are not in it. */
export interface JudgedQuestion {
  readonly query: string; // id
  readonly judgements: readonly { readonly passage: string; readonly relevant: boolean }[];
}

export type JudgingEvent =
  | { readonly kind: "row"; readonly row: JudgedQuestion }
  | { readonly kind: "failed"; readonly query: string; readonly error: WireError };

export interface JudgingOptions extends RunControl {
  readonly topK?: number; // chunks a question, 8
  readonly done?: readonly JudgedQuestion[]; // of earlier runs
  readonly failuresInARow?: number; // then the job stops: the judge is gone
}

/** Our wording of the original's question, its five examples left out: small local models copy them. */
function relevancePrompt(question: string, text: string): string {
  return (
    `Question: ${question}\n\nText:\n---------------------\n${text}\n---------------------\n\n` +
    "Does this text help to answer the question, in whole or in part? Answer with one word, Yes or No."
  );
}

/** "yes" and "no" at the start of an answer, in any case, before a mark or a line's end; else undefined. */
export function parseYesNo(answer: string): boolean | undefined {
  const visible = answer.replace(/<think(?:ing)?>[^]*?(?:<\/think(?:ing)?>|$)/gi, "");
  const word = /^[\s"'*_]*(yes|no)(?![\p{L}\p{N}])/iu.exec(visible)?.[1]?.toLowerCase();
  return word === undefined ? undefined : word === "yes";
}

/** The original's reading of generated questions: re.split(";|\n")[:N], then what is blank is dropped and spaces cut. */
export function parseSeparated(answer: string, count: number): string[] {
  return answer
    .split(/;|\n/)
    .slice(0, count)
    .map((question) => question.trim())
    .filter((question) => question !== "");
}

/** Needs no model: the chunk a question was made from is relevant, all others are not. */
export function sourceJudge(dataset: Dataset): RelevanceJudge {
  const texts = new Map(dataset.passages.map(({ id, text }) => [id, text]));
  const sources = new Map<string, Set<string>>();
  for (const { text, relevant } of dataset.queries) {
    const own = sources.get(text) ?? new Set();
    for (const { passage, grade } of relevant) if (grade > 0) own.add(texts.get(passage)!);
    sources.set(text, own);
  }
  return {
    name: "source",
    relevant: (question, text) => Promise.resolve(sources.get(question)?.has(text)),
  };
}

/** Asks an OpenAI-compatible chat endpoint, as the original does; temperature 0.1 where none is given. */
export function endpointJudge(options: EndpointOptions): RelevanceJudge {
  const ask = endpointChat(options);
  return {
    name: options.model,
    relevant: async (question, text, signal) =>
      parseYesNo(await ask(relevancePrompt(question, text), signal)),
  };
}

/**
 * Asks the judge about the best `topK` chunks of every question by `retrieved` [Q, N], a row at a time as it comes, for the
 * caller to store; what `done` covers is not asked again, what failed is. Rejects with "cancelled", the judge's own
 * "usage" error, or "network" after a row of failures.
 */
export async function* judgeRelevance(
  dataset: Dataset,
  retrieved: Matrix,
  judge: RelevanceJudge,
  options: JudgingOptions = {},
): AsyncGenerator<JudgingEvent, void, void> {
  const { topK = 8, done = [], failuresInARow = 8, signal, onProgress } = options;
  const order = idOrder(dataset.passages.map(({ id }) => id));
  const known = new Set(done.map(({ query }) => query));
  const total = dataset.queries.length;
  let failures = 0;
  for (const [index, { id, text }] of dataset.queries.entries()) {
    onProgress?.({ done: index, total });
    if (known.has(id) || text.trim() === "") continue;
    if (signal?.aborted) throw cancelled();
    const best = topColumns(rowOf(retrieved, index), order, topK);
    const event = await judged(dataset, id, text, best, judge, signal);
    failures = event.kind === "failed" ? failures + 1 : 0;
    yield event;
    if (event.kind === "failed" && failures >= failuresInARow) {
      const next = "rows so far are kept; look at the endpoint and start again";
      const message = `stopped after ${failures} questions in a row failed: ${event.error.message}; ${next}`;
      throw new RetuneError("network", message);
    }
  }
  onProgress?.({ done: total, total });
}

/** Never rejects but for errors that end the whole job. */
async function judged(
  { passages }: Dataset,
  query: string,
  question: string,
  columns: Uint32Array,
  judge: RelevanceJudge,
  signal: AbortSignal | undefined,
): Promise<JudgingEvent> {
  try {
    const said = await Promise.all(
      Array.from(columns, (column) => judge.relevant(question, passages[column]!.text, signal)),
    );
    const judgements = said.flatMap((relevant, place) =>
      relevant === undefined ? [] : [{ passage: passages[columns[place]!]!.id, relevant }],
    );
    return { kind: "row", row: { query, judgements } };
  } catch (error) {
    if (signal?.aborted) throw cancelled();
    if (!(error instanceof RetuneError) || error.code === "usage") throw error;
    return { kind: "failed", query, error: toWire(error) };
  }
}

/** Judged questions in the order of the dataset; those with no judgement at all are left out. */
export function assembleJudged(dataset: Dataset, rows: readonly JudgedQuestion[]): RerankDataset {
  const texts = new Map(dataset.passages.map(({ id, text }) => [id, text]));
  const byQuery = new Map(rows.map((row) => [row.query, row.judgements]));
  const groups = groupsOf(dataset);
  const queries = dataset.queries.flatMap(({ id, text }, index): RerankQuery[] => {
    const judgements = (byQuery.get(id) ?? []).filter(({ passage }) => texts.has(passage));
    if (judgements.length === 0) return [];
    const candidates = judgements.map(({ passage, relevant }) => ({
      text: texts.get(passage)!,
      score: relevant ? 1 : 0,
      kind: "given" as const,
      passage,
    }));
    return [{ id, text, group: groups[index]!, candidates }];
  });
  return { scores: "labels", queries };
}

function cancelled(): RetuneError {
  return new RetuneError("cancelled", "judging was cancelled; what was judged so far is kept");
}
