import { answerable } from "../../domain/lab/answered.ts";
import type { LabExample } from "../../domain/lab/lab-task.ts";
import { evenly } from "../../domain/lab/split-rows.ts";
import type { DecoderModel } from "../../domain/models/decoder-model.ts";
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
import { trainRun, type OpenBackend } from "./train.ts";
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

/**
 * A lab run from where it stands to its end: trains, keeps what was learnt, asks base and tuned the same held-out rows, compares.
 * A stage that is done is not done again after a break.
 */
export async function runLab(ports: LabRunPorts, runId: string): Promise<LabRunRecord> {
  const { store, checkpoints, decoders } = ports;
  const run = await store.run(runId);
  const live = new LiveLabRun(run, ports);
  live.change({ state: "running", stage: "loading" });
  const data = await labData(store, await store.get(run.labId));
  const model = await decoders.open(run.recipe.base);
  const kept = (await findDecoder(checkpoints, runId)) ?? (await trained(ports, live, data, model));
  if (!kept) return store.changeRun(runId, { ...live.current, state: "paused" });
  return judged(ports, live, { data, model, kept });
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

interface Judged {
  readonly data: LabData;
  readonly model: DecoderModel;
  readonly kept: KeptDecoder;
}

async function judged(
  ports: LabRunPorts,
  live: LiveLabRun,
  { data, model, kept }: Judged,
): Promise<LabRunRecord> {
  const { store, checkpoints } = ports;
  const { id, recipe, notes } = live.current;
  const backend = await ports.openBackend(undefined);
  try {
    const pair = await openPair(backend, model, kept, recipe.settings.frozen);
    try {
      const examples = answerableRows(live, data, pair);
      const results = await judgeLab(data, examples, pair, recipe, (stage, done, total) =>
        live.progress(stage, done, total),
      );
      const [first] = results.comparison.figures;
      const finished = await store.finishRun(id, results, {
        ...live.current,
        state: notes.includes(STOPPED) ? "stopped" : "finished",
        stage: "done",
        verdict: results.comparison.verdict,
        ...(first ? { headline: { key: first.key, base: first.base, tuned: first.tuned } } : {}),
      });
      await checkpoints.remove(id);
      ports.emit(finished, null);
      return finished;
    } finally {
      pair.dispose();
    }
  } finally {
    backend.dispose();
  }
}

/** The rows that both models are judged by: as many as the recipe says, of those that the model can be asked; a note says which are left out. */
function answerableRows(
  live: LiveLabRun,
  { task, test }: LabData,
  { base }: OpenPair,
): readonly LabExample[] {
  const { maxNewTokens, judgedRows } = live.current.recipe;
  const { examples, notes } = answerable(task, base, evenly(test, judgedRows), { maxNewTokens });
  const [first] = notes;
  if (first) {
    const more = notes.length > 1 ? `; ${notes.length - 1} more rows like it` : "";
    live.note(`Held-out row ${first.line} is not judged: ${first.reason}${more}.`);
  }
  return examples;
}
