import type { Backend } from "../../../engine/backend.ts";
import type { PullOptions } from "../back-pressure.ts";
import type { EncoderJob } from "./encoder-job.ts";
import type { EncoderRun } from "./encoder-run.ts";
import type { EncoderState } from "./encoder-state.ts";

/** What opens a run; `openEncoderRun` is of this type. */
export type OpenEncoderRun = (
  backend: Backend,
  job: EncoderJob,
  saved?: EncoderState,
  options?: PullOptions,
) => Promise<EncoderRun>;
