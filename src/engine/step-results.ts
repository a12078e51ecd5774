import type { Tensor } from "./graph.ts";
import type { AccumulateUpdates } from "./optim/accumulate.ts";
import type { AdamWUpdates } from "./optim/adamw.ts";

export type Updates = AdamWUpdates | AccumulateUpdates;

/** What a traced step gives. Every part is optional; a step with none is refused. */
export interface StepResults {
  readonly outputs?: Readonly<Record<string, Tensor>>; // kept until the next run, to be read by name
  readonly log?: Readonly<Record<string, Tensor>>; // scalars kept for every step
  readonly updates?: Updates; // parameters changed in place
}
