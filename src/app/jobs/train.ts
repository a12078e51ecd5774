import type { TrainingStep, AdapterSettings } from "../../domain/recipes/adapter-job.ts";
import { openAdapterRun } from "../../domain/recipes/adapter.ts";
import type { AdapterRun, TrainedAdapter } from "../../domain/recipes/adapter-run.ts";
import type { RecipeState } from "../../domain/recipes/recipe-state.ts";
import type { TrainingData } from "../../domain/recipes/training-data.ts";
import type { Backend } from "../../engine/backend.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { Checkpoint, CheckpointStore } from "../storage/checkpoint.ts";

/** Opens what computes; `device` is that of a saved state, whose bits only the same kernels continue. */
export type OpenBackend = (device: string | undefined) => Promise<Backend>;

export interface TrainPorts {
  readonly openBackend: OpenBackend;
  readonly checkpoints?: CheckpointStore; // absent: nothing is saved on the way
  readonly now: () => number; // milliseconds of a clock that never goes back
}

export interface TrainRequest {
  readonly runId: string;
  readonly data: TrainingData; // queries after the instruction where one is set
  readonly settings: AdapterSettings;
}

export interface TrainListener {
  /** What a step asks for: "pause" saves and ends, "stop" ends with the best so far. */
  wish(): "go" | "pause" | "stop";
  onStart?(run: AdapterRun, backend: Backend, resumedFrom: RecipeState | undefined): void;
  onStep?(step: TrainingStep, run: AdapterRun): Promise<void> | void;
  onSaved?(sequence: number): Promise<void> | void;
  onNote?(note: string): void;
}

export type TrainOutcome =
  | { readonly kind: "finished" | "stopped"; readonly trained: TrainedAdapter; readonly device: string }
  | { readonly kind: "paused" };

const SAVE_STEPS = 50;
const SAVE_MS = 30_000;
const LEAST_MS = 1_000; // quick steps are not slowed by saving: a second of work is cheaper to repeat
const TRIES = 3;

/**
 * Trains an adapter to its end, from its last checkpoint where there is one, to the same bits as without the break.
 * Saves every max(50 steps, 1 s), after 30 s in any case. A lost or hung device is opened again and the run goes on
 * from its last checkpoint, at most three times without progress in between.
 */
export async function trainAdapter(
  ports: TrainPorts,
  request: TrainRequest,
  listener: TrainListener,
): Promise<TrainOutcome> {
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

async function attempt(
  ports: TrainPorts,
  request: TrainRequest,
  listener: TrainListener,
  progressed: () => void,
): Promise<TrainOutcome> {
  const { data, settings, runId } = request;
  const saved = await ports.checkpoints?.latest(runId);
  for (const refusal of saved?.refused ?? []) {
    listener.onNote?.(`${refusal.message} The checkpoint before it is used.`);
  }
  const state = saved ? recipeStateOf(saved.checkpoint) : undefined;
  const backend = await ports.openBackend(saved?.checkpoint.device);
  try {
    const run = await openAdapterRun(backend, data, settings, state);
    try {
      listener.onStart?.(run, backend, state);
      const saver = new Saver(ports, request, run, deviceOf(backend), listener, progressed);
      return await drive(run, saver, listener, deviceOf(backend));
    } finally {
      run.dispose();
    }
  } finally {
    backend.dispose();
  }
}

async function drive(
  run: AdapterRun,
  saver: Saver,
  listener: TrainListener,
  device: string,
): Promise<TrainOutcome> {
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

/** Knows when a checkpoint is due, and makes it. */
class Saver {
  private readonly ports: TrainPorts;
  private readonly request: TrainRequest;
  private readonly run: AdapterRun;
  private readonly device: string;
  private readonly listener: TrainListener;
  private readonly progressed: () => void;
  private steps = 0;
  private lastStep = 0;
  private savedAt: number;

  constructor(
    ports: TrainPorts,
    request: TrainRequest,
    run: AdapterRun,
    device: string,
    listener: TrainListener,
    progressed: () => void,
  ) {
    this.ports = ports;
    this.request = request;
    this.run = run;
    this.device = device;
    this.listener = listener;
    this.progressed = progressed;
    this.savedAt = ports.now();
  }

  async saveIfDue({ step }: TrainingStep): Promise<void> {
    this.steps += step > this.lastStep ? step - this.lastStep : step;
    this.lastStep = step;
    const passed = this.ports.now() - this.savedAt;
    if (passed >= SAVE_MS || (this.steps >= SAVE_STEPS && passed >= LEAST_MS)) await this.save();
  }

  async save(): Promise<void> {
    if (!this.ports.checkpoints) return;
    const checkpoint = checkpointOf(await this.run.state(), this.device);
    const sequence = await this.ports.checkpoints.save(this.request.runId, checkpoint);
    this.steps = 0;
    this.savedAt = this.ports.now();
    this.progressed();
    await this.listener.onSaved?.(sequence);
  }
}

/** The kernels that a run's bits depend on: "cpu wasm-relaxed-simd". */
export function deviceOf(backend: Backend): string {
  return `${backend.kind} ${backend.build}`;
}

function checkpointOf({ tensors, ...small }: RecipeState, device: string): Checkpoint {
  return {
    config: small.fingerprint,
    device,
    state: JSON.stringify(small),
    tensors: new Map(
      Object.entries(tensors).map(([name, values]) => [name, { shape: [values.length], values }]),
    ),
  };
}

function recipeStateOf({ state, tensors }: Checkpoint): RecipeState {
  const small = JSON.parse(state) as Omit<RecipeState, "tensors">;
  const arrays = [...tensors].map(([name, { values }]) => [name, values as Float32Array] as const);
  return { ...small, tensors: Object.fromEntries(arrays) };
}

function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel(); // setTimeout would wait 4 ms each time
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
