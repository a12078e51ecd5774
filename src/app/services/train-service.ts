import type { Dataset } from "../../domain/data/dataset.ts";
import { leakNotes } from "../../domain/data/leaks.ts";
import { openAdapterRun } from "../../domain/recipes/adapter.ts";
import type { Backend } from "../../engine/backend.ts";
import type { Matrix } from "../../domain/matrix.ts";
import { encoderById } from "../encoders/known-encoders.ts";
import { projectData } from "../jobs/project-data.ts";
import { runAdapter } from "../jobs/run-adapter.ts";
import type { BackendFacts, TrainMethods, WorkerEvent } from "../protocol/calls.ts";
import type { RunRecord } from "../storage/records.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { BackendChoice } from "../studio.ts";

type Of<Name extends keyof TrainMethods> = TrainMethods[Name]["params"];

/** How a page or a test opens what computes. */
export interface BackendPort {
  facts(choice: BackendChoice): Promise<BackendFacts>;
  /** `device` is that of a saved state: its kernels are opened where they can be. */
  open(choice: BackendChoice, device: string | undefined): Promise<Backend>;
}

const now = (): number => performance.now();

/** Trains: what the train worker does. It owns the GPU device and the checkpoints of the run it trains. */
export class TrainService {
  private readonly workspace: Workspace;
  private readonly backends: BackendPort;
  private readonly tell: (event: WorkerEvent) => void;
  private readonly wishes = new Map<string, "pause" | "stop">();

  constructor(workspace: Workspace, backends: BackendPort, tell: (event: WorkerEvent) => void) {
    this.workspace = workspace;
    this.backends = backends;
    this.tell = tell;
  }

  probe({ choice }: Of<"probe">): Promise<BackendFacts> {
    return this.backends.facts(choice);
  }

  /** What a run would take: the plan of one step, and its time measured on a few. */
  async plan({ projectId, settings, choice }: Of<"plan">): Promise<TrainMethods["plan"]["result"]> {
    const project = await this.workspace.projects.get(projectId);
    const { train, test } = projectData(await this.workspace.projects.contents(projectId), project.split);
    const { dimension } = await encoderById(this.workspace, project.encoderId);
    const random = (rows: number): Matrix => noise(rows, dimension);
    const backend = await this.backends.open(choice, undefined);
    try {
      const data = {
        dataset: train,
        queries: random(train.queries.length),
        corpus: random(train.passages.length),
      };
      const run = await openAdapterRun(backend, data, settings);
      try {
        const { summary, searchSteps, finalSteps } = run.plan;
        const perStep = await secondsPerStep(run.steps());
        return {
          backend: backend.label,
          secondsToEmbed: null,
          secondsToTrain: perStep * (searchSteps + finalSteps),
          peakBytes: summary.peakBytes,
          launchesPerStep: summary.launches,
          trainQuestions: train.queries.length,
          testQuestions: test.queries.length,
          warnings: warningsOf(train, test),
        };
      } finally {
        run.dispose();
      }
    } finally {
      backend.dispose();
    }
  }

  async train({ runId, choice, stop }: Of<"train">): Promise<RunRecord> {
    if (stop) this.wishes.set(runId, "stop");
    else this.wishes.delete(runId);
    return runAdapter(
      {
        workspace: this.workspace,
        openBackend: (device) => this.backends.open(choice, device),
        now,
        emit: (run, checkpointAge) => this.tell({ kind: "run", runId, run, checkpointAge }),
        wish: () => this.wishes.get(runId) ?? "go",
      },
      runId,
    );
  }

  pause({ runId }: Of<"pause">): Promise<null> {
    this.wishes.set(runId, "pause");
    return Promise.resolve(null);
  }

  stopAndKeep({ runId }: Of<"stopAndKeep">): Promise<null> {
    this.wishes.set(runId, "stop");
    return Promise.resolve(null);
  }
}

const MEASURED_STEPS = 4;

/** Seconds of a step, the first left out: it compiles and warms up. */
async function secondsPerStep(steps: AsyncGenerator<{ readonly step: number }>): Promise<number> {
  const first = await steps.next();
  if (first.done) return 0;
  const started = now();
  let last = first.value.step;
  for (let count = 0; count < MEASURED_STEPS; count++) {
    const next = await steps.next();
    if (next.done) break;
    last = next.value.step;
  }
  await steps.return(undefined);
  return last > first.value.step ? (now() - started) / 1000 / (last - first.value.step) : 0;
}

function warningsOf(train: Dataset, test: Dataset): readonly string[] {
  const warnings: string[] = [];
  const [trained, judged] = [train.queries.length, test.queries.length];
  if (trained < 20)
    warnings.push(`Only ${trained} training questions: an adapter learns little from fewer than 20.`);
  if (judged < 30)
    warnings.push(`Only ${judged} test questions: fewer than 30 rarely show a reliable change.`);
  return [...warnings, ...leakNotes(train, test)];
}

/** Vectors of the right shape for a plan before anything is embedded; a fixed sequence, so plans agree. */
function noise(rows: number, columns: number): Matrix {
  const values = new Float32Array(rows * columns);
  let state = 1;
  for (let index = 0; index < values.length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[index] = state / 2 ** 32 - 0.5;
  }
  return { rows, columns, values };
}
