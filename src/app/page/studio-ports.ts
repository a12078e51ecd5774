import type { Workspace } from "../storage/workspace.ts";
import type { StorageView } from "../studio.ts";
import type { EncoderShelf } from "./encoder-shelf.ts";
import type { Emitter } from "./emitter.ts";
import type { Environment } from "./environment.ts";
import type { JobBoard } from "./job-board.ts";
import type { LadderDesk } from "./ladder-desk.ts";
import type { LabDesk } from "./lab-desk.ts";
import type { ModelShelf } from "./model-shelf.ts";
import type { ProjectDesk } from "./project-desk.ts";
import type { RouterDesk } from "./router-desk.ts";
import type { RunDesk } from "./run-desk.ts";
import type { TeacherDesk } from "./teacher-desk.ts";
import type { WorkerPool } from "./worker-pool.ts";

/** What the Studio of a page is put together from. */
export interface StudioPorts {
  readonly workspace: Workspace;
  readonly workers: WorkerPool;
  readonly environment: Environment;
  readonly emitter: Emitter;
  readonly jobs: JobBoard;
  readonly encoders: EncoderShelf;
  readonly runs: RunDesk;
  readonly desk: ProjectDesk;
  readonly models: ModelShelf;
  readonly ladder: LadderDesk;
  readonly routers: RouterDesk;
  readonly teachers: TeacherDesk;
  readonly lab: LabDesk;
  readonly storage: () => Promise<StorageView>;
  readonly persist: () => Promise<boolean>;
}
