import { RetuneError, toWire } from "../engine/errors.ts";
import { privateModelFolders } from "./encoders/folder-store.ts";
import { assembleStudio } from "./page/assemble-studio.ts";
import { Emitter } from "./page/emitter.ts";
import { Environment } from "./page/environment.ts";
import * as facts from "./page/page-facts.ts";
import { webRunLocks } from "./page/run-locks.ts";
import { WorkerPool } from "./page/worker-pool.ts";
import type { WorkerName } from "./page/worker-pool.ts";
import type { WorkspaceStudio } from "./page/workspace-studio.ts";
import type { WorkerChannel } from "./protocol/messages.ts";
import { localStorageCanary, manyCanaries, privateFileCanary } from "./storage/canary.ts";
import type { Canary } from "./storage/canary.ts";
import { Workspace } from "./storage/workspace.ts";
import type { StorageView, Studio } from "./studio.ts";
import type { RunView } from "./studio-training.ts";

/** The Studio of this page: storage, workers and environment put together. Rejects where storage cannot be opened. */
export async function createStudio(): Promise<Studio> {
  const site = new URL("./", location.href).href;
  const emitter = new Emitter();
  const environment = new Environment(emitter, facts.initialFacts(site));
  const workspace = new Workspace({
    onProblem: (error) => emitter.emit({ kind: "storage-problem", error: toWire(error) }),
  });
  const workers = new WorkerPool(openWorker, (event) => studio.hear(event));
  const folders = privateModelFolders(() => navigator.storage.getDirectory());
  const channel = new BroadcastChannel("retune-runs");
  const canary = await pageCanary();
  const { studio, runs } = assembleStudio({
    ...{ workspace, workers, environment, emitter, folders, canary },
    locks: webRunLocks(navigator.locks),
    broadcast: (run) => channel.postMessage(run),
    storage: () => storageView(workspace),
    persist: () => navigator.storage.persist(),
  });
  channel.onmessage = ({ data }: MessageEvent<RunView>) => runs.owner.overhear(data);
  const state = await workspace.checkCanary(canary);
  if (state === "lost") environment.learn({ storageWarning: "lost" });
  await runs.owner.findInterrupted();
  await studio.lab.owner.findInterrupted();
  void learnEnvironment(studio, environment, workspace, site);
  return studio;
}

function openWorker(name: WorkerName): WorkerChannel {
  switch (name) {
    case "data":
      return new Worker(new URL("../../workers/data.worker.ts", import.meta.url), { type: "module", name });
    case "embed":
      return new Worker(new URL("../../workers/embed.worker.ts", import.meta.url), { type: "module", name });
    case "lab":
      return new Worker(new URL("../../workers/lab.worker.ts", import.meta.url), { type: "module", name });
    case "train":
      return new Worker(new URL("../../workers/train.worker.ts", import.meta.url), { type: "module", name });
  }
}

async function pageCanary(): Promise<Canary> {
  const places: Canary[] = [];
  try {
    places.push(localStorageCanary(localStorage));
    places.push(privateFileCanary(await navigator.storage.getDirectory()));
  } catch {
    // A browser that refuses one of them (private window, policy) keeps the mark in the other, or not at all.
  }
  return manyCanaries(places);
}

/** What takes a moment to find out, told as it becomes known; none of it may keep the page from opening. */
async function learnEnvironment(
  studio: WorkspaceStudio,
  environment: Environment,
  workspace: Workspace,
  site: string,
): Promise<void> {
  facts.watchOtherOrigins(() => environment.countRequest());
  const [seal, defaultModel, offlineReady, warning] = await Promise.all([
    facts.sealOf(site),
    facts.defaultModelState(site),
    facts.offlineReady().catch(() => false),
    facts.storageWarning().catch(() => undefined),
  ]);
  const { storageWarning = warning } = environment.view;
  environment.learn({ seal, defaultModel, offlineReady, ...(storageWarning ? { storageWarning } : {}) });
  await studio.chooseBackend(await workspace.backendChoice()).catch((error: unknown) => {
    if (!(error instanceof RetuneError)) reportError(error);
  });
}

async function storageView(workspace: Workspace): Promise<StorageView> {
  const { usage = 0 } = await navigator.storage.estimate();
  const vectors = { name: "vectors", bytes: await workspace.vectors.bytes() };
  return { usedBytes: usage, persistent: await navigator.storage.persisted(), caches: [vectors] };
}
