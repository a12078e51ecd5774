import { afterAll, afterEach, beforeAll } from "vitest";
import { serve } from "../../../scripts/serve.mjs";
import type { ModelFolders } from "../../../src/app/encoders/folder-store.ts";
import { assembleStudio } from "../../../src/app/page/assemble-studio.ts";
import { WorkspaceModels } from "../../../src/app/encoders/model-source.ts";
import { Emitter } from "../../../src/app/page/emitter.ts";
import { Environment } from "../../../src/app/page/environment.ts";
import type { RunLocks } from "../../../src/app/page/run-locks.ts";
import { memoryRunLocks } from "../../../src/app/page/run-locks.ts";
import { WorkerPool } from "../../../src/app/page/worker-pool.ts";
import type { WorkerName } from "../../../src/app/page/worker-pool.ts";
import type { BackendFacts, WorkerEvent } from "../../../src/app/protocol/calls.ts";
import { Host } from "../../../src/app/protocol/host.ts";
import type { Channel, WorkerChannel } from "../../../src/app/protocol/messages.ts";
import { DataService } from "../../../src/app/services/data-service.ts";
import { EmbedService } from "../../../src/app/services/embed-service.ts";
import { GateService } from "../../../src/app/services/gate-service.ts";
import { GenerateService } from "../../../src/app/services/generate-service.ts";
import { dataHandlers, embedHandlers, trainHandlers } from "../../../src/app/services/handlers.ts";
import { LabService, labHandlers } from "../../../src/app/services/lab-service.ts";
import { InferenceService } from "../../../src/app/services/inference-service.ts";
import { ImportService } from "../../../src/app/services/import-service.ts";
import { MapService } from "../../../src/app/services/map-service.ts";
import { MiningService } from "../../../src/app/services/mining-service.ts";
import { PartsService } from "../../../src/app/services/parts-service.ts";
import { ProjectFileService } from "../../../src/app/services/project-file-service.ts";
import { ResultService } from "../../../src/app/services/result-service.ts";
import { TeacherService } from "../../../src/app/services/teacher-service.ts";
import { TrainService } from "../../../src/app/services/train-service.ts";
import type { Backend } from "../../../src/engine/backend.ts";
import { Workspace } from "../../../src/app/storage/workspace.ts";
import type { JobView, Studio, StudioEvent } from "../../../src/app/studio.ts";
import type { RunView } from "../../../src/app/studio-training.ts";
import { openTestCpu } from "../../domain/recipes/open-backend.ts";

export interface StudioInThread {
  readonly studio: Studio;
  readonly workspace: Workspace;
  readonly events: StudioEvent[];
  readonly folders: ModelFolders;
  /** Ends a worker as a crash would, without a word to it. */
  crash(name: WorkerName): void;
  close(): Promise<void>;
}

/** Opens studios for the tests of a file, over a real server for models and samples; closes them after each. */
export function studioSuite(): (options?: Partial<InThreadOptions>) => StudioInThread {
  let server: Awaited<ReturnType<typeof serve>>;
  const opened: StudioInThread[] = [];
  beforeAll(async () => {
    server = await serve({ root: "public", models: "public/models" });
  });
  afterEach(async () => {
    for (const each of opened.splice(0)) await each.close();
  });
  afterAll(() => server.close());
  return (options = {}) => {
    const database = options.database ?? `studio-${crypto.randomUUID()}`;
    const each = openStudio({ database, site: `${server.url}/`, ...options });
    opened.push(each);
    return each;
  };
}

export interface InThreadOptions {
  readonly database: string;
  readonly site?: string; // serves models/ and samples/
  readonly page?: "sealed" | "connected";
  readonly locks?: RunLocks;
  readonly modelMissing?: boolean;
  readonly freeBytes?: number; // that the browser says it would still store
  readonly folders?: ModelFolders; // of an earlier page of the same browser
}

const FACTS: BackendFacts = {
  backend: { active: "cpu", label: "WASM SIMD", reason: "a test" },
  gpu: { available: false, software: false, name: "" },
  threads: 1,
};

/** The page's studio with its three workers in this thread, over fake-indexeddb: same code, same messages. */
export function openStudio(options: InThreadOptions): StudioInThread {
  const emitter = new Emitter();
  const events: StudioEvent[] = [];
  emitter.subscribe((event) => events.push(event));
  const workspace = new Workspace({ name: options.database });
  const site = options.site ?? "http://127.0.0.1:9/";
  const environment = new Environment(emitter, {
    page: options.page ?? "sealed",
    seal: "none",
    isolated: false,
    offlineReady: false,
    defaultModel: options.modelMissing ? "missing" : "ready",
  });
  const open = new Map<WorkerName, MessagePort>();
  const openWorker = (name: WorkerName): WorkerChannel => {
    const { port1, port2 } = new MessageChannel();
    port1.start();
    port2.start();
    const life = { over: false };
    const own = new Workspace({ name: options.database });
    serveWorker(name, port2, { workspace: own, site, life, folders, free: options.freeBytes ?? 1e9 });
    open.set(name, port1);
    const terminate = (): void => {
      life.over = true;
      port1.close();
    };
    return Object.assign(port1, { terminate });
  };
  const workers = new WorkerPool(openWorker, (event) => studio.hear(event));
  const folders = options.folders ?? memoryFolders();
  const { studio } = assembleStudio({
    ...{ workspace, workers, environment, emitter, folders },
    locks: options.locks ?? memoryRunLocks(),
    canary: { read: () => Promise.resolve(null), write: nothing },
    broadcast: () => undefined,
    storage: () => Promise.resolve({ usedBytes: 0, persistent: false, caches: [] }),
    persist: () => Promise.resolve(false),
  });
  return {
    ...{ studio, workspace, events, folders },
    crash: (name) => void open.get(name)!.dispatchEvent(new Event("error", { cancelable: true })),
    async close() {
      workers.endAll();
      await workspace.close();
    },
  };
}

const nothing = (): Promise<void> => Promise.resolve();

/** Model folders as the browser's private file system would keep them. */
function memoryFolders(): ModelFolders {
  const kept = new Map<string, ReadonlyMap<string, Blob>>();
  return {
    blob: (id, path) => Promise.resolve(kept.get(id)?.get(path)),
    open: (id, name) => ({
      name,
      async read(path) {
        const blob = kept.get(id)?.get(path);
        return blob && new Uint8Array(await blob.arrayBuffer());
      },
    }),
    async keep(id, files) {
      kept.set(id, files);
    },
    async write(id, path, pieces) {
      const parts: Uint8Array<ArrayBuffer>[] = [];
      for await (const piece of pieces) parts.push(piece.slice());
      kept.set(id, new Map([...(kept.get(id) ?? []), [path, new Blob(parts)]]));
    },
    async remove(id) {
      kept.delete(id);
    },
  };
}

/** A backend that computes no more once its worker's life is over, as a real worker's would not. */
async function mortalCpu(life: { readonly over: boolean }): Promise<Backend> {
  const cpu = await openTestCpu();
  const { kind, label, build, software, halfStorage, bindingBytes } = cpu;
  return {
    ...{ kind, label, build, software, halfStorage, bindingBytes },
    dispose: () => cpu.dispose(),
    async prepare(plan, sharing) {
      const executable = await cpu.prepare(plan, sharing);
      const log = executable.log.bind(executable);
      executable.log = () => (life.over ? new Promise(() => undefined) : log());
      return executable;
    },
  };
}

interface WorkerGround {
  readonly workspace: Workspace;
  readonly site: string;
  readonly life: { readonly over: boolean };
  readonly folders: ModelFolders;
  readonly free: number;
}

function serveWorker(
  name: WorkerName,
  scope: Channel,
  { workspace, site, life, folders, free }: WorkerGround,
): void {
  const tell = (event: WorkerEvent): void => host.emit(event);
  const data = new DataService(workspace, site);
  const runtime = () => Promise.resolve({ device: "wasm", threads: 1 } as const);
  const backends = { facts: () => Promise.resolve(FACTS), open: () => mortalCpu(life) };
  const openBackend = (): Promise<Backend> => mortalCpu(life);
  const freeBytes = () => Promise.resolve(free);
  const embedding = new EmbedService({ workspace, site, folders, runtime, openBackend });
  const models = new WorkspaceModels({ workspace, site, folders });
  const handlers = {
    data: dataHandlers({
      data,
      results: new ResultService(data, models, openBackend),
      generation: new GenerateService(workspace),
      parts: new PartsService(data),
      gate: new GateService(data),
      projectFiles: new ProjectFileService(data),
      maps: new MapService(data),
      imports: new ImportService(data),
      mining: new MiningService(data, models, openBackend),
    }),
    embed: embedHandlers(
      embedding,
      new InferenceService({ workspace, site, folders, openBackend }, embedding),
      new TeacherService({ workspace, folders, runtime }),
    ),
    train: trainHandlers(new TrainService({ workspace, site, folders, backends, tell, freeBytes })),
    lab: labHandlers(new LabService({ workspace, site, folders, backends, tell, freeBytes })),
  };
  const host: { emit(event: WorkerEvent): void } =
    name === "data"
      ? new Host(scope, handlers.data)
      : name === "embed"
        ? new Host(scope, handlers.embed)
        : name === "train"
          ? new Host(scope, handlers.train)
          : new Host(scope, handlers.lab);
}

/** Resolves when the run has reached one of the states. */
export function runReaches(
  { studio }: StudioInThread,
  runId: string,
  states: readonly RunView["state"][],
): Promise<RunView> {
  return new Promise((resolve, reject) => {
    const stop = studio.subscribe((event) => {
      if (event.kind !== "run" || event.run.id !== runId) return;
      if (states.includes(event.run.state)) {
        stop();
        resolve(event.run);
      } else if (event.run.state === "failed") {
        stop();
        reject(new Error(`the run failed: ${event.run.error?.message ?? "no reason"}`));
      }
    });
  });
}

/** Resolves once the run has taken steps. */
export function runSteps({ studio }: StudioInThread, runId: string): Promise<void> {
  return new Promise((resolve) => {
    const stop = studio.subscribe((event) => {
      if (event.kind !== "run" || event.run.id !== runId) return;
      if (event.run.stage === "embedding" || event.run.progress.done === 0) return;
      stop();
      resolve();
    });
  });
}

/** Resolves with the job's last view when it has ended. */
export function jobEnds({ studio }: StudioInThread, start: Promise<string>): Promise<JobView> {
  const views = new Map<string, JobView>();
  return new Promise((resolve, reject) => {
    let id: string | undefined;
    const check = (): void => {
      const view = id === undefined ? undefined : views.get(id);
      if (view && view.state !== "running") {
        stop();
        resolve(view);
      }
    };
    const stop = studio.subscribe((event) => {
      if (event.kind === "job") views.set(event.job.id, event.job);
      check();
    });
    start.then((started) => {
      id = started;
      check();
    }, reject);
  });
}
