import "fake-indexeddb/auto";
import { expect, test, vi } from "vitest";
import { trainRun } from "../../../src/app/jobs/train.ts";
import type { AdapterTypes } from "../../../src/app/jobs/run-adapter.ts";
import type { TrainListener, TrainOutcome, TrainPorts } from "../../../src/app/jobs/train.ts";
import { IndexedCheckpointStore } from "../../../src/app/storage/checkpoint-store.ts";
import type { SavePoint } from "../../../src/app/storage/checkpoint-store.ts";
import { Connection } from "../../../src/app/storage/connection.ts";
import type { AdapterSettings } from "../../../src/domain/recipes/adapter-job.ts";
import { openAdapterRun } from "../../../src/domain/recipes/adapter.ts";
import type { RecipeState } from "../../../src/domain/recipes/recipe-state.ts";
import type { TrainedAdapter } from "../../../src/domain/recipes/adapter-run.ts";
import { CounterRandom } from "../../../src/domain/random.ts";
import type { Backend } from "../../../src/engine/backend.ts";
import { RetuneError } from "../../../src/engine/errors.ts";
import { openTestCpu } from "../../domain/recipes/open-backend.ts";
import { plantedData } from "../../domain/recipes/training-sets.ts";

const data = plantedData(16, 2, 12, 4);
const settings: AdapterSettings = {
  mode: "compatible",
  adapter: { kind: "linear", features: 12, bias: true },
  epochs: 60,
  batchSize: 9,
  learningRate: 1e-2,
  seed: 3,
};
const STEPS = 240;

class Killed extends Error {}

interface Attempt {
  readonly killAtStep?: number;
  readonly killAtSave?: readonly [SavePoint, number]; // in the n-th save
  readonly openBackend?: TrainPorts["openBackend"];
  readonly listener?: Partial<TrainListener<AdapterTypes>>;
  readonly settings?: AdapterSettings;
}

/** One process's worth of training over a database that outlives it. A clock where every step takes 40 ms. */
async function attempt(name: string, options: Attempt = {}): Promise<TrainOutcome<TrainedAdapter>> {
  let saves = 0;
  let time = 0;
  const fault = (point: SavePoint): Promise<void> => {
    if (point === "before-write") saves++;
    const [at, count] = options.killAtSave ?? [];
    return point === at && saves === count ? Promise.reject(new Killed(point)) : Promise.resolve();
  };
  const checkpoints = new IndexedCheckpointStore(new Connection({ name }), { fault });
  const ports: TrainPorts = {
    openBackend: options.openBackend ?? (() => openTestCpu()),
    checkpoints,
    now: () => (time += 20),
  };
  const listener: TrainListener<AdapterTypes> = {
    wish: () => "go",
    onStep: ({ step }) => {
      if (step === options.killAtStep) throw new Killed(`step ${step}`);
    },
    ...options.listener,
  };
  const own = options.settings ?? settings;
  const open = (backend: Backend, state?: RecipeState) => openAdapterRun(backend, data, own, state);
  return trainRun<AdapterTypes>(ports, { runId: "run", open }, listener);
}

function trainedOf(outcome: TrainOutcome<TrainedAdapter>): TrainedAdapter {
  if (outcome.kind === "paused") throw new Error("the run paused");
  return outcome.trained;
}

const database = (): string => `train-${crypto.randomUUID()}`;

const whole = attempt(database()).then(trainedOf);

test("the run without a break takes every step", async () => {
  expect((await whole).losses).toHaveLength(STEPS);
});

test("killed at random steps and inside saves, again and again, a run ends with the same bits", async () => {
  const random = new CounterRandom(7);
  const points: readonly SavePoint[] = ["before-write", "after-commit", "after-verify", "after-prune"];
  for (let life = 0; life < 6; life++) {
    const name = database();
    for (let kills = 0; kills < 4; kills++) {
      const options: Attempt =
        random.uniform() < 0.5
          ? { killAtStep: 1 + Math.floor(random.uniform() * STEPS) }
          : { killAtSave: [points[Math.floor(random.uniform() * points.length)]!, 1 + (kills % 2)] };
      await attempt(name, options).catch((error: unknown) => expect(error).toBeInstanceOf(Killed));
    }
    const resumed = trainedOf(await attempt(name));
    const { weights, losses, chosen } = await whole;
    expect({ weights: resumed.weights, losses: resumed.losses, chosen: resumed.chosen }).toEqual({
      weights,
      losses,
      chosen,
    });
  }
});

test("a kill loses at most the steps since the last checkpoint", async () => {
  const name = database();
  await expect(attempt(name, { killAtStep: 170 })).rejects.toThrow(Killed);
  const steps: number[] = [];
  await attempt(name, { listener: { onStep: ({ step }) => void steps.push(step) } });
  expect(steps[0]).toBeGreaterThan(100); // a save is due every 50 steps
  expect(steps.at(-1)).toBe(STEPS);
});

test("a paused run goes on to the same bits", async () => {
  const name = database();
  let seen = 0;
  const wish = (): "go" | "pause" => (++seen % 70 === 0 ? "pause" : "go");
  let outcome = await attempt(name, { listener: { wish } });
  let pauses = 0;
  while (outcome.kind === "paused") {
    pauses++;
    outcome = await attempt(name, { listener: { wish } });
  }
  expect(pauses).toBe(3);
  expect(trainedOf(outcome).weights).toEqual((await whole).weights);
});

test("stopping keeps the adapter as it stands", async () => {
  const outcome = await attempt(database(), { listener: { wish: () => "stop" } });
  expect(outcome.kind).toBe("stopped");
  expect(trainedOf(outcome).losses).toHaveLength(1);
});

/** A backend whose device is lost after so many runs of a step. */
async function fragile(runs: number): Promise<Backend> {
  const backend = await openTestCpu();
  let left = runs;
  return {
    ...backend,
    kind: backend.kind,
    label: backend.label,
    build: backend.build,
    software: backend.software,
    halfStorage: backend.halfStorage,
    bindingBytes: backend.bindingBytes,
    dispose: () => backend.dispose(),
    async prepare(plan, sharing) {
      const executable = await backend.prepare(plan, sharing);
      const log = executable.log.bind(executable);
      vi.spyOn(executable, "log").mockImplementation(() =>
        --left < 0 ? Promise.reject(new RetuneError("device-lost", "The GPU was lost at this step.")) : log(),
      );
      return executable;
    },
  };
}

test("a lost device is opened again and the run goes on by itself to the same bits", async () => {
  const lives = [90, 40, 120];
  const notes: string[] = [];
  const openBackend = (): Promise<Backend> => (lives.length > 0 ? fragile(lives.shift()!) : openTestCpu());
  const outcome = await attempt(database(), {
    openBackend,
    listener: { onNote: (note) => notes.push(note) },
  });
  expect(trainedOf(outcome).weights).toEqual((await whole).weights);
  expect(notes).toHaveLength(3);
  expect(notes[0]).toMatch(/GPU was lost.*try 1 of 3/);
});

test("a device that is lost again and again without progress ends the run with its reason", async () => {
  let opened = 0;
  const openBackend = (): Promise<Backend> => {
    opened++;
    return fragile(3);
  };
  await expect(attempt(database(), { openBackend })).rejects.toMatchObject({ code: "device-lost" });
  expect(opened).toBe(4);
});

test("a resumed run asks for the kernels it was saved with", async () => {
  const name = database();
  await expect(attempt(name, { killAtStep: 100 })).rejects.toThrow(Killed);
  const asked: (string | undefined)[] = [];
  const openBackend = (device: string | undefined): Promise<Backend> => {
    asked.push(device);
    return openTestCpu();
  };
  await attempt(name, { openBackend });
  expect(asked).toEqual(["cpu wasm-simd"]);
});

test("a checkpoint of other settings is refused, not continued", async () => {
  const name = database();
  await expect(attempt(name, { killAtStep: 100 })).rejects.toThrow(Killed);
  const other = attempt(name, { settings: { ...settings, seed: 4 } });
  await expect(other).rejects.toMatchObject({ code: "corrupt" });
});
