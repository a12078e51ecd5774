import type { LanguageModel } from "../../domain/generate/language-model.ts";
import { answerable } from "../../domain/lab/answered.ts";
import type { LabExample, LabTask } from "../../domain/lab/lab-task.ts";
import { withRetrieved } from "../../domain/lab/radit/radit.ts";
import type { RaditExample } from "../../domain/lab/radit/radit-example.ts";
import {
  openSearch,
  passagesOfRows,
  RETRIEVAL_DEFAULTS,
  retrievalFigures,
  retrievalTable,
  scoredCandidates,
  WORD_EMBEDDING,
  type PassageSearch,
} from "../../domain/lab/radit/retrieval-tuning.ts";
import { tuneRetriever, type TunedRetriever } from "../../domain/lab/radit/tune-retriever.ts";
import type { RunControl } from "../../domain/ports.ts";
import type { Backend } from "../../engine/backend.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { CheckpointStore } from "../storage/checkpoint.ts";
import type { LabArm, LabRecipe, LabResults, LabRetrieval, LabStage } from "../studio-lab.ts";
import { interruptible } from "./interruptible-backend.ts";
import type { LabData } from "./lab-data.ts";
import type { OpenPair } from "./lab-kept.ts";
import { packResult, unpackResult } from "./packed-result.ts";

/** Rows, and what searches their passages where the system is one that retrieves. */
export interface SearchedData {
  readonly data: LabData;
  readonly search: PassageSearch | null;
}

/** RA-DIT's rows with the passages that a search by words brings for them; other systems' rows as they are. */
export async function searchedData(data: LabData): Promise<SearchedData> {
  const search = await searchOver(data);
  if (!search) return { data, search };
  const over = (rows: readonly LabExample[]): Promise<readonly LabExample[]> => broughtBy(search, rows);
  const [train, test, replay] = await Promise.all([over(data.train), over(data.test), over(data.replay)]);
  return { data: { ...data, train, test, replay }, search };
}

/** The same for some rows of a project. */
export async function searchedRows(
  data: LabData,
  rows: readonly LabExample[],
): Promise<readonly LabExample[]> {
  const search = await searchOver(data);
  return search ? broughtBy(search, rows) : rows;
}

async function searchOver({ task, train, test }: LabData): Promise<PassageSearch | null> {
  if (task.id !== "ra-dit") return null;
  const rows = [...train, ...test] as readonly LabExample[] as readonly RaditExample[];
  const passages = passagesOfRows(rows);
  return passages.length === 0 ? null : openSearch(WORD_EMBEDDING, passages);
}

function broughtBy(
  { retriever }: PassageSearch,
  rows: readonly LabExample[],
): Promise<readonly LabExample[]> {
  return withRetrieved(rows as readonly RaditExample[], retriever, RETRIEVAL_DEFAULTS.topK);
}

/** What a run keeps of its retriever. */
export interface KeptSearch extends TunedRetriever {
  readonly scored: number; // pairs of question and passage
  readonly seconds: number;
}

export type SearchOutcome =
  | { readonly kind: "tuned"; readonly kept: KeptSearch }
  | { readonly kind: "paused" }
  | { readonly kind: "left"; readonly note: string }; // as it was, and why

export interface SearchGround {
  readonly search: PassageSearch;
  readonly task: LabTask;
  readonly rows: readonly LabExample[]; // to learn
  readonly model: LanguageModel; // tuned: what it says of passages is learnt
  readonly backend: Backend;
  readonly seed: number;
  readonly wish: () => "go" | "pause" | "stop";
  readonly now: () => number; // milliseconds
  readonly tell: (stage: LabStage, done: number, total: number) => void;
}

export const SEARCH_STOPPED = "Stopped by hand before the search was tuned; it stays as it was.";

/** The model scores passages, the query adapter learns from it. Not saved on the way: after a pause it begins again. */
export async function tuneSearch(ground: SearchGround): Promise<SearchOutcome> {
  const { search, model, backend, seed, wish, now, tell } = ground;
  const halt = new AbortController();
  const { signal } = halt;
  const heed = (): void => {
    if (wish() !== "go") halt.abort();
  };
  const control = (stage: LabStage): RunControl => ({
    signal,
    onProgress: ({ done, total }) => {
      tell(stage, done, total);
      heed();
    },
  });
  const started = now();
  const { examples } = answerable(ground.task, model, ground.rows); // others were not learnt from, either
  const rows = examples as readonly RaditExample[];
  heed();
  try {
    const scoring = control("scoring-passages");
    const found = await scoredCandidates(model, model.name, search, rows, {}, undefined, scoring);
    const tuning = control("tuning-retriever");
    const tuned = await tuneRetriever(interruptible(backend, signal), found.data, { seed }, tuning);
    const seconds = (now() - started) / 1000;
    return { kind: "tuned", kept: { ...tuned, scored: found.scored, seconds } };
  } catch (error) {
    if (!(error instanceof RetuneError)) throw error;
    if (error.code === "too-little-data") return { kind: "left", note: `The search: ${error.message}.` };
    if (error.code !== "cancelled") throw error;
    return wish() === "pause" ? { kind: "paused" } : { kind: "left", note: SEARCH_STOPPED };
  }
}

interface TableGround {
  readonly data: LabData;
  readonly examples: readonly LabExample[]; // that were asked
  readonly pair: OpenPair;
  readonly results: LabResults;
  readonly recipe: LabRecipe;
}

/** Both models over both searches: what is not asked yet is asked. */
export async function retrievalResults(
  search: PassageSearch,
  kept: KeptSearch,
  { data, examples, pair, results, recipe }: TableGround,
  control: RunControl,
): Promise<LabRetrieval> {
  const said = (arm: LabArm) => results.rows.map(({ id, answers }) => ({ id, ...answers[arm]! }));
  const table = await retrievalTable(
    search,
    kept,
    {
      task: data.task as LabTask<RaditExample>,
      examples: examples as readonly RaditExample[],
      models: { base: pair.base, tuned: pair.tuned! },
      answers: { base: said("base"), tuned: said("tuned") },
      settings: { seed: recipe.settings.seed, maxNewTokens: recipe.maxNewTokens },
      topK: RETRIEVAL_DEFAULTS.topK,
    },
    control,
  );
  return { ...retrievalFigures(search, kept, kept), ...table };
}

export const searchKey = (runId: string): string => `${runId} search`; // goes with its run

export async function keepSearch(
  store: CheckpointStore,
  runId: string,
  kept: KeptSearch,
  device: string,
): Promise<void> {
  await store.save(searchKey(runId), packResult(kept, device, "retriever"));
}

/** The tuned retriever of a run, or null where there is none; "corrupt" when it is damaged. */
export async function findSearch(store: CheckpointStore, runId: string): Promise<KeptSearch | null> {
  const saved = await store.latest(searchKey(runId));
  return saved ? (unpackResult(saved.checkpoint) as KeptSearch) : null;
}
