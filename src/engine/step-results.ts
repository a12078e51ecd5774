import type { Tensor } from "./graph.ts";
import type { Updates } from "./optim/adamw.ts";

/** What a traced step gives. Every part is optional; a step with none is refused. */
export interface StepResults {
  readonly outputs?: Readonly<Record<string, Tensor>>; // kept until the next run, to be read by name
  readonly log?: Readonly<Record<string, Tensor>>; // scalars kept for every step
  readonly updates?: Updates; // parameters changed in place
}
