import type { ModelFolders } from "../encoders/folder-store.ts";
import type { Canary } from "../storage/canary.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { StorageView } from "../studio.ts";
import type { RunView } from "../studio-training.ts";
import type { Emitter } from "./emitter.ts";
import { EncoderShelf } from "./encoder-shelf.ts";
import type { Environment } from "./environment.ts";
import { JobBoard } from "./job-board.ts";
import { LabDesk } from "./lab-desk.ts";
import { LadderDesk } from "./ladder-desk.ts";
import { ModelShelf } from "./model-shelf.ts";
import { ProjectDesk } from "./project-desk.ts";
import { RouterDesk } from "./router-desk.ts";
import { RunDesk } from "./run-desk.ts";
import type { RunLocks } from "./run-locks.ts";
import { TeacherDesk } from "./teacher-desk.ts";
import type { WorkerPool } from "./worker-pool.ts";
import { WorkspaceStudio } from "./workspace-studio.ts";

/** What differs between a page and a test. */
export interface StudioParts {
  readonly workspace: Workspace;
  readonly workers: WorkerPool;
  readonly environment: Environment;
  readonly emitter: Emitter;
  readonly folders: ModelFolders;
  readonly locks: RunLocks;
  readonly canary: Canary;
  readonly broadcast: (run: RunView) => void;
  readonly storage: () => Promise<StorageView>;
  readonly persist: () => Promise<boolean>;
}

/** The desks put together. */
export function assembleStudio(parts: StudioParts): { studio: WorkspaceStudio; runs: RunDesk } {
  const { workspace, workers, environment, emitter, folders, locks, broadcast, canary } = parts;
  const encoders = new EncoderShelf({ workspace, workers, environment, folders });
  const key = (encoderId: string): string | undefined => encoders.keyOf(encoderId);
  const jobs = new JobBoard(emitter);
  const runs = new RunDesk({ workspace, workers, environment, emitter, locks, key, broadcast });
  const modelReady = () => environment.view.defaultModel === "ready";
  const desk = new ProjectDesk({ workspace, workers, emitter, canary, encoders, modelReady });
  const models = new ModelShelf({ workspace, workers, folders, modelReady });
  const ladder = new LadderDesk({
    ...{ workspace, workers, jobs, runs, key },
    offers: (projectId) => models.offers(projectId),
    changed: (projectId) => desk.changed(projectId),
  });
  const studio = new WorkspaceStudio({
    ...{ workspace, workers, environment, emitter, encoders, runs, desk, jobs, models, ladder },
    routers: new RouterDesk(workspace),
    teachers: new TeacherDesk({ workspace, workers, environment, folders }),
    lab: new LabDesk({
      ...{ workspace, workers, environment, emitter, jobs, locks },
      choice: () => environment.backendChoice,
    }),
    storage: parts.storage,
    persist: parts.persist,
  });
  return { studio, runs };
}
