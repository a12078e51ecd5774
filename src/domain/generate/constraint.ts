import type { TokenMask } from "./sampling.ts";

/** What holds one answer to a schema or grammar while it grows. */
export interface AnswerConstraint {
  /** The ids that may come next; undefined: all. */
  mask(): Promise<TokenMask | undefined>;
  /** Takes the id that was picked, one of those that `mask` allows. */
  accept(id: number): void;
  dispose(): void;
}
