import type { RunControl } from "../../domain/ports.ts";
import { ProjectStudio } from "./project-studio.ts";
import type { Studio } from "../studio.ts";
import type {
  LadderView,
  Recipe,
  RecipeOffer,
  RunPlan,
  RunResults,
  RunSummary,
  RunView,
  RungName,
} from "../studio-training.ts";

/** Plans, runs and what came of them. */
export class RunStudio extends ProjectStudio {
  recipes(projectId: string): Promise<readonly RecipeOffer[]> {
    return this.ports.models.offers(projectId);
  }

  plan(projectId: string, recipe: Recipe, control: RunControl = {}): Promise<RunPlan> {
    return this.ports.runs.plan(projectId, recipe, control);
  }

  async startRun(projectId: string, recipe: Recipe): Promise<string> {
    const runId = await this.ports.runs.start(projectId, recipe);
    await this.ports.desk.mark();
    this.changed(projectId);
    return runId;
  }

  pause(runId: string): Promise<void> {
    return this.ports.runs.owner.pause(runId);
  }

  resume(runId: string): Promise<void> {
    return this.ports.runs.owner.resume(runId);
  }

  stopAndKeep(runId: string): Promise<void> {
    return this.ports.runs.owner.stopAndKeep(runId);
  }

  async discard(runId: string): Promise<void> {
    const { projectId } = await this.ports.workspace.runs.get(runId);
    await this.ports.runs.owner.discard(runId);
    this.changed(projectId);
  }

  runs(projectId: string): Promise<readonly RunSummary[]> {
    return this.ports.runs.list(projectId);
  }

  run(runId: string): Promise<RunView> {
    return this.ports.runs.view(runId);
  }

  report(runId: string): ReturnType<Studio["report"]> {
    return this.ports.runs.report(runId);
  }

  results(runId: string): Promise<RunResults> {
    return this.ports.runs.results(runId);
  }

  ladder(projectId: string): Promise<LadderView> {
    return this.ports.ladder.view(projectId);
  }

  climb(projectId: string, rung: RungName, anyway = false): Promise<string> {
    return this.ports.ladder.climb(projectId, rung, anyway);
  }

  async judgeStrength(runId: string, strength: number): Promise<string> {
    const { runs, jobs, workspace } = this.ports;
    const { projectId, number } = await workspace.runs.get(runId);
    const request = { kind: "judge", projectId, label: `Run ${number} at strength ${strength}` } as const;
    return jobs.start(request, async () => {
      await runs.judgeStrength(runId, strength);
      return `Judged at strength ${strength}`;
    });
  }

  jobFile(runId: string): Promise<string> {
    return this.ports.runs.jobFile(runId);
  }
}
