import { RetuneError } from "../../engine/errors.ts";
import type { RunRecord } from "../storage/records.ts";
import { judgedAtStrength } from "./adapter-strength.ts";
import type { RunPorts } from "./run-ports.ts";

/** Judges the mixture of base (0) and tuned (1) weights on the test questions; the figure joins the run's record. */
export async function judgeStrength(ports: RunPorts, runId: string, strength: number): Promise<RunRecord> {
  if (!(strength >= 0 && strength <= 2)) {
    throw new RetuneError("usage", `A strength lies between 0 (base) and 2, not at ${strength}.`);
  }
  const run = await ports.workspace.runs.get(runId);
  const measures = await judgedAtStrength(ports, run, strength);
  const others = (run.strengths ?? []).filter((each) => each.strength !== strength);
  const strengths = [...others, { strength, measures }].sort((a, b) => a.strength - b.strength);
  return ports.workspace.runs.update(runId, { strengths });
}
