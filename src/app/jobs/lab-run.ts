import { answerable } from "../../domain/lab/answered.ts";
import type { LabExample } from "../../domain/lab/lab-task.ts";
import { evenly } from "../../domain/lab/split-rows.ts";
import type { LanguageModel } from "../../domain/generate/language-model.ts";
import type { DecoderModel } from "../../domain/models/decoder-model.ts";
import type { Progress } from "../../domain/ports.ts";
import { openDecoderRun } from "../../domain/recipes/decoder/decoder.ts";
import type { DecoderStep } from "../../domain/recipes/decoder/decoder-job.ts";
import type { DecoderRun, TrainedDecoder } from "../../domain/recipes/decoder/decoder-run.ts";
import type { DecoderState } from "../../domain/recipes/decoder/decoder-state.ts";
import type { Backend } from "../../engine/backend.ts";
import type { DecoderSource } from "../encoders/decoder-source.ts";
import type { CheckpointStore } from "../storage/checkpoint.ts";
import type { LabRunRecord } from "../storage/lab-records.ts";
import type { LabStore } from "../storage/lab-store.ts";
import { requireRoom } from "../storage/quota.ts";
import { labData, type LabData } from "./lab-data.ts";
import { judgeLab } from "./lab-judge.ts";
import {
  findDecoder,
  keepDecoder,
  keptDecoder,
  openPair,
  type KeptDecoder,
  type OpenPair,
} from "./lab-kept.ts";
import { LiveLabRun } from "./lab-live.ts";
import { preparedRows } from "./lab-recipe.ts";
import {
  findSearch,
  keepSearch,
  retrievalResults,
  SEARCH_STOPPED,
  searchedData,
  tuneSearch,
  type KeptSearch,
  type SearchedData,
} from "./lab-retrieval.ts";
import { deviceOf, trainRun, type OpenBackend } from "./train.ts";
import { checkpointBytes } from "./worker-plan.ts";

/** What a lab run needs besides its rows. */
export interface LabRunPorts {
  readonly store: LabStore;
  readonly checkpoints: CheckpointStore;
  readonly decoders: DecoderSource;
  readonly openBackend: OpenBackend;
  readonly freeBytes: () => Promise<number | null>;
  readonly now: () => number;
  readonly emit: (run: LabRunRecord, checkpointAge: number | null) => void;
  readonly wish: () => "go" | "pause" | "stop";
}

interface DecoderTypes {
  readonly state: DecoderState;
  readonly step: DecoderStep;
  readonly trained: TrainedDecoder;
  readonly run: DecoderRun;
}

const STOPPED = "Stopped by hand; the best so far was kept.";
const STOPS: readonly string[] = [STOPPED, SEARCH_STOPPED];

/**
 * A lab run from where it stands to its end: trains, keeps what was learnt, asks base and tuned the same held-out rows, compares.
 * A stage that is done is not done again after a break.
 */
export async function runLab(ports: LabRunPorts, runId: string): Promise<LabRunRecord> {
  const { store, checkpoints, decoders } = ports;
  const run = await store.run(runId);
  const live = new LiveLabRun(run, ports);
  live.change({ state: "running", stage: "loading" });
  const searched = await searchedData(await labData(store, await store.get(run.labId)));
  const model = await decoders.open(run.recipe.base);
  const kept = (await findDecoder(checkpoints, runId)) ?? (await trained(ports, live, searched.data, model));
  const finished = kept && (await judged(ports, live, { ...searched, model, kept }));
  return finished ?? store.changeRun(runId, { ...live.current, state: "paused" });
}

async function trained(
  ports: LabRunPorts,
  live: LiveLabRun,
  data: LabData,
  model: DecoderModel,
): Promise<KeptDecoder | null> {
  const { store, checkpoints, openBackend, now, wish } = ports;
  const { id, recipe } = live.current;
  const { job, notes } = await preparedRows(data, model, recipe);
  for (const note of notes) live.note(note);
  const open = async (backend: Backend, saved: DecoderState | undefined): Promise<DecoderRun> => {
    const opened = await openDecoderRun(backend, { ...job, base: model, settings: recipe.settings }, saved);
    const parameters = opened.plan.trainedParameters;
    if (!saved) requireRoom(2 * checkpointBytes(parameters) + 4 * parameters, await ports.freeBytes());
    return opened;
  };
  const outcome = await trainRun<DecoderTypes>(
    { openBackend, checkpoints, now },
    { runId: id, open },
    {
      wish,
      onStart: ({ plan }, backend) => {
        const progress = { done: live.current.progress.done, total: plan.totalSteps };
        live.change({ stage: "training", backend: backend.label, progress });
      },
      onStep: (step) => live.step(step),
      onSaved: async () => {
        live.saved();
        await store.changeRun(id, live.current);
      },
      onNote: (note) => live.note(note),
    },
  );
  if (outcome.kind === "paused") return null;
  if (outcome.kind === "stopped") live.note(STOPPED);
  for (const note of outcome.trained.notes) live.note(note);
  const kept = keptDecoder(outcome.trained);
  await keepDecoder(checkpoints, id, kept, outcome.device);
  return kept;
}

interface Judged extends SearchedData {
  readonly model: DecoderModel;
  readonly kept: KeptDecoder;
}

/** The judged run, or null where it was paused before. */
async function judged(ports: LabRunPorts, live: LiveLabRun, ground: Judged): Promise<LabRunRecord | null> {
  const backend = await ports.openBackend(undefined);
  try {
    const pair = await openPair(backend, ground.model, ground.kept, live.current.recipe.settings.frozen);
    try {
      const retriever = await tunedSearch(ports, live, ground, pair.tuned!, backend);
      return retriever === "paused" ? null : await judgedBy(ports, live, ground, pair, retriever);
    } finally {
      pair.dispose();
    }
  } finally {
    backend.dispose();
  }
}

/** RA-DIT's retriever half; null where a system has none, or where it stays as it was. */
async function tunedSearch(
  { checkpoints, wish, now }: LabRunPorts,
  live: LiveLabRun,
  { data, search }: Judged,
  model: LanguageModel,
  backend: Backend,
): Promise<KeptSearch | "paused" | null> {
  if (!search) return null;
  const { id, recipe } = live.current;
  const known = await findSearch(checkpoints, id);
  if (known) return known;
  const tell = live.progress.bind(live);
  const { task, train: rows } = data;
  const { seed } = recipe.settings;
  const outcome = await tuneSearch({ search, task, rows, model, backend, seed, wish, now, tell });
  if (outcome.kind === "paused") return "paused";
  if (outcome.kind === "left") {
    live.note(outcome.note);
    return null;
  }
  await keepSearch(checkpoints, id, outcome.kept, deviceOf(backend));
  return outcome.kept;
}

async function judgedBy(
  { store, checkpoints, emit }: LabRunPorts,
  live: LiveLabRun,
  { data, search }: Judged,
  pair: OpenPair,
  retriever: KeptSearch | null,
): Promise<LabRunRecord> {
  const { id, recipe, notes } = live.current;
  const examples = rowsToJudge(live, data, pair);
  const results = await judgeLab(data, examples, pair, recipe, live.progress.bind(live));
  const onProgress = ({ done, total }: Progress): void => live.progress("asking-retriever", done, total);
  const ground = { data, examples, pair, results, recipe };
  const retrieval =
    search && retriever && (await retrievalResults(search, retriever, ground, { onProgress }));
  const [first] = results.comparison.figures;
  const finished = await store.finishRun(
    id,
    { ...results, ...(retrieval ? { retrieval } : {}) },
    {
      ...live.current,
      state: notes.some((note) => STOPS.includes(note)) ? "stopped" : "finished",
      stage: "done",
      verdict: results.comparison.verdict,
      ...(first ? { headline: { key: first.key, base: first.base, tuned: first.tuned } } : {}),
    },
  );
  await checkpoints.remove(id);
  emit(finished, null);
  return finished;
}

/** As many held-out rows as the recipe says, without those that the model cannot be asked; a note tells of them. */
function rowsToJudge(live: LiveLabRun, { task, test }: LabData, { base }: OpenPair): readonly LabExample[] {
  const { maxNewTokens, judgedRows } = live.current.recipe;
  const { examples, notes } = answerable(task, base, evenly(test, judgedRows), { maxNewTokens });
  const [first] = notes;
  if (first) {
    const more = notes.length > 1 ? `; ${notes.length - 1} more rows like it` : "";
    live.note(`Held-out row ${first.line} is not judged: ${first.reason}${more}.`);
  }
  return examples;
}
