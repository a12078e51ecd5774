import type { QuestionFlag } from "../../src/domain/data/gate-flags.ts";

/** One made-up flag of each common kind. */
export const FLAGS: readonly QuestionFlag[] = [
  { kind: "context", phrase: "according to the context information" },
  { kind: "copy", share: 0.62 },
  { kind: "duplicate", how: "meaning", similarity: 0.97, other: "q0" },
  { kind: "not-found", rank: 37, top: 10, by: "hybrid" },
  { kind: "no-question" },
];
