import { RetuneError } from "../../../engine/errors.ts";
import { groupsOf, passageIndex, type Dataset } from "../../data/dataset.ts";
import { splitByGroup } from "../../data/split.ts";
import { SequenceTokenizer } from "../../text/wordpiece.ts";
import type { TokenSequence } from "../../text/pack.ts";
import { judgementsOf } from "../judgements.ts";
import type { BatchSource } from "./batches.ts";
import type { ResolvedSettings } from "./defaults.ts";
import type { EncoderJob } from "./encoder-job.ts";

/** The texts of a dataset as token ids, prompts put before them. */
export interface TokenizedTexts {
  readonly queries: readonly TokenSequence[];
  readonly passages: readonly TokenSequence[];
}

/** A training file as a run needs it: everything by position in the file. */
export interface EncoderSet extends BatchSource {
  readonly dataset: Dataset;
  readonly tokens: TokenizedTexts;
  readonly negatives: readonly (readonly number[])[]; // [Q], best first; no positive among them
  readonly grade: (question: number, passage: number) => number; // 0 where not judged
  readonly teacher: (question: number, passage: number) => number | undefined;
  readonly anchors: readonly TokenSequence[];
}

/** What a run is judged by while it goes. */
export interface ValidationSet {
  readonly dataset: Dataset;
  readonly tokens: TokenizedTexts;
}

/** Tokenizes a job's texts and sets questions aside. Errors: "too-little-data", E_TOKENIZER, "usage" (negatives). */
export function prepareSet(
  job: EncoderJob,
  settings: ResolvedSettings,
): { readonly set: EncoderSet; readonly validation: ValidationSet | null; readonly notes: string[] } {
  const tokenizer = new SequenceTokenizer(job.model.tokenizer);
  const { dataset } = job.data;
  const judged = judgementsOf(dataset);
  const { held, notes } = heldOut(job, settings);
  const heldIds = new Set(held?.queries.map(({ id }) => id));
  const own = job.data.validation
    ? judged.usable
    : judged.usable.filter((q) => !heldIds.has(dataset.queries[q]!.id));
  if (own.length < 2) {
    throw new RetuneError(
      "too-little-data",
      `training: ${own.length} of ${dataset.queries.length} questions can be trained on; at least 2 are needed, ` +
        "some hundreds to learn from",
    );
  }
  const read = (texts: Dataset): TokenizedTexts => tokenize(texts, job, settings.maxTokens, tokenizer);
  const prompt = job.model.prompts.query;
  const set: EncoderSet = {
    dataset,
    questions: own,
    positives: judged.positives,
    copyOf: judged.copyOf,
    documents: dataset.passages.map(({ document }) => document),
    tokens: read(dataset),
    negatives: negativesOf(job, judged.positives),
    grade: gradesOf(dataset),
    teacher: teacherOf(job),
    anchors: (job.data.anchors ?? []).map((text) => tokenizer.encode(prompt + text, settings.maxTokens)),
  };
  return { set, validation: held ? { dataset: held, tokens: read(held) } : null, notes };
}

function tokenize(
  { queries, passages }: Dataset,
  { model }: EncoderJob,
  maxTokens: number,
  tokenizer: SequenceTokenizer,
): TokenizedTexts {
  const { prompts } = model;
  return {
    queries: queries.map(({ text }) => tokenizer.encode(prompts.query + text, maxTokens)),
    passages: passages.map(({ text }) => tokenizer.encode(prompts.document + text, maxTokens)),
  };
}

/** The given validation set, or whole groups of the training file; none where the file has too few. */
function heldOut(
  { data }: EncoderJob,
  { validation, seed }: ResolvedSettings,
): { readonly held: Dataset | null; readonly notes: string[] } {
  if (!validation) return { held: null, notes: [] };
  if (data.validation) return { held: data.validation, notes: [] };
  if (new Set(groupsOf(data.dataset)).size < 2) {
    const note = "All questions belong to one group, so nothing could be held out: the last step is kept.";
    return { held: null, notes: [note] };
  }
  const { parts } = splitByGroup(data.dataset, [1 - validation.share, validation.share], seed);
  return { held: parts[1]!, notes: [] };
}

function negativesOf({ data }: EncoderJob, positives: readonly (readonly number[])[]): number[][] {
  const places = passageIndex(data.dataset);
  return data.dataset.queries.map(({ id }, question) => {
    const found = (data.negatives?.[id] ?? []).map((passage) => {
      const place = places.get(passage);
      if (place !== undefined) return place;
      throw new RetuneError(
        "usage",
        `negatives: question "${id}" names passage "${passage}", which is not in the dataset`,
      );
    });
    return [...new Set(found)].filter((place) => !positives[question]!.includes(place));
  });
}

function gradesOf(dataset: Dataset): EncoderSet["grade"] {
  const places = passageIndex(dataset);
  const grades = dataset.queries.map(
    ({ relevant }) => new Map(relevant.map(({ passage, grade }) => [places.get(passage), grade])),
  );
  return (question, passage) => grades[question]!.get(passage) ?? 0;
}

function teacherOf({ data }: EncoderJob): EncoderSet["teacher"] {
  const { queries, passages } = data.dataset;
  return (question, passage) => data.teacher?.[queries[question]!.id]?.[passages[passage]!.id];
}
