import type { Backend } from "../../engine/backend.ts";
import { WorkspaceModels } from "../encoders/model-source.ts";
import type { ModelPlaces, ModelSource } from "../encoders/model-source.ts";
import { interruptible } from "../jobs/interruptible-backend.ts";
import { judgeStrength } from "../jobs/judge-strength.ts";
import { planRun } from "../jobs/plan-run.ts";
import type { RunPorts } from "../jobs/run-ports.ts";
import { runRecipe } from "../jobs/run-recipe.ts";
import type { AdvicePorts } from "../jobs/verdict-ground.ts";
import type { BackendFacts, TrainMethods, WorkerEvent } from "../protocol/calls.ts";
import type { Handlers } from "../protocol/host.ts";
import type { RunRecord } from "../storage/records.ts";
import type { BackendChoice } from "../studio.ts";

type Of<Name extends keyof TrainMethods> = TrainMethods[Name]["params"];

/** How a page or a test opens what computes. */
export interface BackendPort {
  facts(choice: BackendChoice): Promise<BackendFacts>;
  /** `device` is that of a saved state: its kernels are opened where they can be. */
  open(choice: BackendChoice, device: string | undefined): Promise<Backend>;
}

export interface TrainServicePorts extends ModelPlaces {
  readonly backends: BackendPort;
  readonly tell: (event: WorkerEvent) => void;
  /** Bytes this origin may still store; null where the browser does not say. */
  readonly freeBytes: () => Promise<number | null>;
}

const now = (): number => performance.now();

/** Trains: what the train worker does. It owns the GPU device and the checkpoints of the run it trains. */
export class TrainService {
  private readonly ports: TrainServicePorts;
  private readonly models: ModelSource;
  private readonly wishes = new Map<string, "pause" | "stop">();

  constructor(ports: TrainServicePorts) {
    this.ports = ports;
    this.models = new WorkspaceModels(ports);
  }

  probe({ choice }: Of<"probe">): Promise<BackendFacts> {
    return this.ports.backends.facts(choice);
  }

  /** What a run would take: the plan of one step, and its time measured on a few. */
  readonly plan: Handlers<TrainMethods>["plan"] = async ({ projectId, recipe, choice }, { signal }) => {
    const { workspace, freeBytes } = this.ports;
    const openBackend = async () => interruptible(await this.ports.backends.open(choice, undefined), signal);
    const planned = await planRun({ workspace, openBackend, models: this.models }, projectId, recipe);
    return { ...planned, storage: { ...planned.storage, freeBytes: await freeBytes() } };
  };

  async train({ runId, choice, stop }: Of<"train">): Promise<RunRecord> {
    if (stop) this.wishes.set(runId, "stop");
    else this.wishes.delete(runId);
    return runRecipe(this.runPorts(runId, choice), runId);
  }

  judgeStrength({ runId, strength, choice }: Of<"judgeStrength">): Promise<RunRecord> {
    return judgeStrength(this.runPorts(runId, choice), runId, strength);
  }

  pause({ runId }: Of<"pause">): Promise<null> {
    this.wishes.set(runId, "pause");
    return Promise.resolve(null);
  }

  stopAndKeep({ runId }: Of<"stopAndKeep">): Promise<null> {
    this.wishes.set(runId, "stop");
    return Promise.resolve(null);
  }

  /** What analyses around runs need. */
  advice(choice: BackendChoice): AdvicePorts {
    const { workspace, backends } = this.ports;
    return { workspace, models: this.models, openBackend: (device) => backends.open(choice, device) };
  }

  private runPorts(runId: string, choice: BackendChoice): RunPorts {
    const { workspace, backends, tell, freeBytes } = this.ports;
    return {
      ...{ workspace, freeBytes },
      models: this.models,
      openBackend: (device) => backends.open(choice, device),
      now,
      emit: (run, checkpointAge) => tell({ kind: "run", runId, run, checkpointAge }),
      wish: () => this.wishes.get(runId) ?? "go",
    };
  }
}
