import type { TrainingStep } from "../../domain/recipes/adapter-job.ts";
import type { Backend } from "../../engine/backend.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { Checkpoint, CheckpointStore } from "../storage/checkpoint.ts";
import { nextTask } from "./next-task.ts";

/** Opens what computes; `device` is that of a saved state, whose bits only the same kernels continue. */
export type OpenBackend = (device: string | undefined) => Promise<Backend>;

export interface TrainPorts {
  readonly openBackend: OpenBackend;
  readonly checkpoints?: CheckpointStore; // absent: nothing is saved on the way
  readonly now: () => number; // milliseconds of a clock that never goes back
}

/** What a run of any recipe saves: small fields as JSON, large ones as named arrays. */
export interface SavedRun {
  readonly fingerprint: string;
  readonly tensors: Readonly<Record<string, Float32Array>>;
}

/** All that saving needs to know of a step. */
export type CountedStep = Pick<TrainingStep, "step">;

/** What all recipes' runs have in common: pulled step by step, saved and kept at any yield. */
export interface PulledRun<State extends SavedRun, Step extends CountedStep, Trained> {
  steps(): AsyncGenerator<Step, Trained, void>;
  state(): Promise<State>;
  keep(): Promise<Trained>;
  dispose(): void;
}

/** The types of one recipe. */
export interface RecipeTypes<State extends SavedRun = SavedRun> {
  readonly state: State;
  readonly step: CountedStep;
  readonly trained: unknown;
  readonly run: PulledRun<State, this["step"], this["trained"]>;
}

export interface TrainRequest<T extends RecipeTypes> {
  readonly runId: string;
  /** Opens the run at its beginning, or at a state it saved. */
  open(backend: Backend, saved: T["state"] | undefined): Promise<T["run"]>;
}

export interface TrainListener<T extends RecipeTypes> {
  /** What a step asks for: "pause" saves and ends, "stop" ends with the best so far. */
  wish(): "go" | "pause" | "stop";
  onStart?(run: T["run"], backend: Backend, resumedFrom: T["state"] | undefined): void;
  onStep?(step: T["step"], run: T["run"]): Promise<void> | void;
  onSaved?(sequence: number): Promise<void> | void;
  onNote?(note: string): void;
}

export type TrainOutcome<Trained> =
  | { readonly kind: "finished" | "stopped"; readonly trained: Trained; readonly device: string }
  | { readonly kind: "paused" };

const SAVE_STEPS = 50;
const SAVE_MS = 30_000;
const LEAST_MS = 1_000; // quick steps are not slowed by saving: a second of work is cheaper to repeat
const SAVING_SHARE = 20; // a save that took 5 s (400 MB of a large model) is followed by 100 s without one
const TRIES = 3;

/**
 * Trains a run to its end, from its last checkpoint where there is one, to the same bits as without the break.
 * Saves every max(50 steps, 1 s), after 30 s in any case; a large model less often, so that saving takes at most 5 %
 * of the time. A lost or hung device is opened again and the run goes on from its last checkpoint, at most three
 * times without progress in between.
 */
export async function trainRun<T extends RecipeTypes>(
  ports: TrainPorts,
  request: TrainRequest<T>,
  listener: TrainListener<T>,
): Promise<TrainOutcome<T["trained"]>> {
  let failures = 0;
  const progressed = (): void => {
    failures = 0;
  };
  for (;;) {
    try {
      return await attempt(ports, request, listener, progressed);
    } catch (error) {
      const recoverable = error instanceof RetuneError && ["device-lost", "hung"].includes(error.code);
      if (!recoverable || ++failures > TRIES) throw error;
      listener.onNote?.(`${error.message} Going on from the last checkpoint (try ${failures} of ${TRIES}).`);
    }
  }
}

async function attempt<T extends RecipeTypes>(
  ports: TrainPorts,
  request: TrainRequest<T>,
  listener: TrainListener<T>,
  progressed: () => void,
): Promise<TrainOutcome<T["trained"]>> {
  const saved = await ports.checkpoints?.latest(request.runId);
  for (const refusal of saved?.refused ?? []) {
    listener.onNote?.(`${refusal.message} The checkpoint before it is used.`);
  }
  const state = saved ? stateOf<T["state"]>(saved.checkpoint) : undefined;
  const backend = await ports.openBackend(saved?.checkpoint.device);
  try {
    const run = await request.open(backend, state);
    try {
      listener.onStart?.(run, backend, state);
      const onSaved = async (sequence: number): Promise<void> => {
        progressed();
        await listener.onSaved?.(sequence);
      };
      const saver = new Saver({ ports, runId: request.runId, run, device: deviceOf(backend), onSaved });
      return await drive(run, saver, listener, deviceOf(backend));
    } finally {
      run.dispose();
    }
  } finally {
    backend.dispose();
  }
}

async function drive<T extends RecipeTypes>(
  run: T["run"],
  saver: Saver,
  listener: TrainListener<T>,
  device: string,
): Promise<TrainOutcome<T["trained"]>> {
  const steps = run.steps();
  for (;;) {
    const next = await steps.next();
    if (next.done) return { kind: "finished", trained: next.value, device };
    await listener.onStep?.(next.value, run);
    const wish = listener.wish();
    if (wish === "stop") {
      const trained = await run.keep();
      await steps.return(trained);
      return { kind: "stopped", trained, device };
    }
    if (wish === "pause") {
      await saver.save();
      return { kind: "paused" };
    }
    await saver.saveIfDue(next.value);
    await nextTask(); // lets messages in where computing holds the thread
  }
}

interface SaverParts {
  readonly ports: TrainPorts;
  readonly runId: string;
  readonly run: { state(): Promise<SavedRun> };
  readonly device: string;
  readonly onSaved: (sequence: number) => Promise<void>;
}

/** Knows when a checkpoint is due, and makes it. */
class Saver {
  private readonly parts: SaverParts;
  private steps = 0;
  private lastStep = 0;
  private savedAt: number;
  private tookMs = 0;

  constructor(parts: SaverParts) {
    this.parts = parts;
    this.savedAt = parts.ports.now();
  }

  async saveIfDue({ step }: CountedStep): Promise<void> {
    this.steps += step > this.lastStep ? step - this.lastStep : step;
    this.lastStep = step;
    const passed = this.parts.ports.now() - this.savedAt;
    const cheap = SAVING_SHARE * this.tookMs;
    const often = this.steps >= SAVE_STEPS && passed >= Math.max(LEAST_MS, cheap);
    if (often || passed >= Math.max(SAVE_MS, cheap)) await this.save();
  }

  async save(): Promise<void> {
    const { ports, run, runId, device, onSaved } = this.parts;
    if (!ports.checkpoints) return;
    const started = ports.now();
    const sequence = await ports.checkpoints.save(runId, checkpointOf(await run.state(), device));
    this.steps = 0;
    this.savedAt = ports.now();
    this.tookMs = this.savedAt - started;
    await onSaved(sequence);
  }
}

/** The kernels that a run's bits depend on: "cpu wasm-relaxed-simd". */
export function deviceOf(backend: Backend): string {
  return `${backend.kind} ${backend.build}`;
}

function checkpointOf({ tensors, ...small }: SavedRun, device: string): Checkpoint {
  return {
    config: small.fingerprint,
    device,
    state: JSON.stringify(small),
    tensors: new Map(
      Object.entries(tensors).map(([name, values]) => [name, { shape: [values.length], values }]),
    ),
  };
}

function stateOf<State extends SavedRun>({ state, tensors }: Checkpoint): State {
  const small = JSON.parse(state) as Omit<SavedRun, "tensors">;
  const arrays = [...tensors].map(([name, { values }]) => [name, values as Float32Array] as const);
  return { ...small, tensors: Object.fromEntries(arrays) } as State;
}
