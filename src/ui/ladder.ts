import type { LadderView, Rung } from "../app/studio-training.ts";

/** What a person can do with a rung: climb it next, climb it against the advice, or nothing yet. */
export function rungAction({ next, anyway }: LadderView, { name, obstacle }: Rung): "next" | "anyway" | null {
  if (obstacle !== null) return null;
  if (name === next) return "next";
  return name === anyway ? "anyway" : null;
}
