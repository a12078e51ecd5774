import { RetuneError } from "../../engine/errors.ts";
import { calibrateRun } from "../jobs/calibrate-run.ts";
import { guardRunDrift } from "../jobs/guard-drift.ts";
import { learnProjectCurve } from "../jobs/learn-curve.ts";
import { layMerge, mergePointAt, mergeRun, type MergeGround } from "../jobs/merge-run.ts";
import { findRunDifferences } from "../jobs/run-differences.ts";
import { triageProject } from "../jobs/triage-project.ts";
import type { AdvicePorts } from "../jobs/verdict-ground.ts";
import type { VerdictTrainMethods } from "../protocol/verdict-calls.ts";
import type { Handlers } from "../protocol/host.ts";
import type { BackendChoice } from "../studio.ts";

/** What the train worker works out around runs: searches side by side, adapters trained again, texts embedded. */
export function verdictTrainHandlers(
  portsFor: (choice: BackendChoice) => AdvicePorts,
): Handlers<VerdictTrainMethods> {
  const slider = new SliderGround();
  return {
    triage: async ({ projectId, options, choice }, control) =>
      (await triageProject(portsFor(choice), projectId, options, control)).sentence,
    learnCurve: async ({ projectId, choice }, control) =>
      (await learnProjectCurve(portsFor(choice), projectId, control)).sentence,
    guardDrift: async ({ runId, choice }, control) =>
      (await guardRunDrift(portsFor(choice), runId, control)).sentence,
    mergeCurve: async ({ runId, choice }, control) => {
      const { curve, laid } = await mergeRun(portsFor(choice), runId, control);
      slider.keep(runId, laid);
      return curve.sentence;
    },
    mergePoint: async ({ runId, strength, choice }) => {
      const ports = portsFor(choice);
      return mergePointAt(ports, await slider.of(ports, runId), strength);
    },
    calibrate: async ({ runId, target, choice }, control) => {
      const { threshold, precision } = await calibrateRun(portsFor(choice), runId, target, control);
      return threshold === null
        ? "No score is right often enough"
        : `From ${threshold.toFixed(3)} on, ${(100 * precision.value).toFixed(0)} % are right`;
    },
    findDifferences: async ({ runId, side, choice }, control) => {
      const { wins, losses, ties } = await findRunDifferences(portsFor(choice), runId, side, control);
      return `${wins} better, ${losses} worse, ${ties} as before`;
    },
  };
}

/** The ground of the run whose slider is moved: it is laid once, so that a move answers at once. */
class SliderGround {
  private kept: { readonly runId: string; readonly laid: Promise<MergeGround> } | undefined;

  keep(runId: string, laid: MergeGround): void {
    this.kept = { runId, laid: Promise.resolve(laid) };
  }

  async of(ports: AdvicePorts, runId: string): Promise<MergeGround> {
    const { recipe } = await ports.workspace.runs.get(runId);
    if (recipe.task !== "adapter") {
      const text = "Only an adapter is mixed at once; other models embed every text anew at each strength.";
      throw new RetuneError("unsupported", `${text} Draw the merge curve instead.`);
    }
    if (this.kept?.runId !== runId) this.kept = { runId, laid: layMerge(ports, runId) };
    try {
      return await this.kept.laid;
    } catch (error) {
      this.kept = undefined;
      throw error;
    }
  }
}
