import { RetuneError } from "../../engine/errors.ts";
import { encoderById } from "../encoders/known-encoders.ts";
import { ladderView } from "../jobs/ladder.ts";
import type { RungObstacles } from "../jobs/ladder.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { LadderView, Recipe, RecipeOffer, RungName, Task } from "../studio-training.ts";
import type { JobBoard } from "./job-board.ts";
import type { RunDesk } from "./run-desk.ts";
import type { WorkerPool } from "./worker-pool.ts";

export interface LadderDeskPorts {
  readonly workspace: Workspace;
  readonly workers: WorkerPool;
  readonly jobs: JobBoard;
  readonly runs: RunDesk;
  readonly offers: (projectId: string) => Promise<readonly RecipeOffer[]>;
  readonly key: (encoderId: string) => string | undefined;
  readonly changed: (projectId: string) => void;
}

const TASK_OF: Readonly<Partial<Record<RungName, Task>>> = {
  adapter: "adapter",
  "re-ranker": "cross-encoder",
  lora: "lora",
  full: "encoder",
};

/** The ladder as the page sees it: where it stands, and the next rung tried. */
export class LadderDesk {
  private readonly ports: LadderDeskPorts;

  constructor(ports: LadderDeskPorts) {
    this.ports = ports;
  }

  async view(projectId: string): Promise<LadderView> {
    const { workspace, workers } = this.ports;
    const { encoderId } = await workspace.projects.get(projectId);
    const { dataHash } = await workers.data.call("facts", { projectId });
    const valid = (await workspace.parts.rungs(projectId)).filter(
      (record) => record.dataHash === dataHash && record.encoderId === encoderId,
    );
    const runs = (await workspace.runs.ofProject(projectId)).filter((run) => run.dataHash === dataHash);
    return ladderView(valid, runs, await this.obstacles(projectId));
  }

  async climb(projectId: string, rung: RungName, anyway: boolean): Promise<string> {
    const obstacle = (await this.obstacles(projectId))[rung];
    if (obstacle !== undefined) throw new RetuneError("usage", obstacle);
    const ladder = await this.view(projectId);
    if (rung !== (anyway ? (ladder.anyway ?? ladder.next) : ladder.next)) {
      throw new RetuneError("usage", `${rung} is not the next rung. ${ladder.advice}`);
    }
    const request = { kind: "judge", projectId, label: `Trying ${rung}` } as const;
    return this.ports.jobs.start(request, async (control) => {
      await this.embed(projectId, control);
      const { data } = this.ports.workers;
      const task = TASK_OF[rung];
      if (task === undefined && (rung === "instruction" || rung === "fusion")) {
        await data.call("judgeRung", { projectId, rung }, control);
      } else {
        await data.call("judgeRung", { projectId, rung: "base" }, control);
        await this.ports.runs.start(projectId, await this.recipeFor(projectId, task!), rung);
      }
      this.ports.changed(projectId);
      return task === undefined ? `Tried: ${rung}` : `Started: ${rung}`;
    });
  }

  /** The recommended settings, with the instruction where the ladder kept it. */
  private async recipeFor(projectId: string, task: Task): Promise<Recipe> {
    const { recommended } = (await this.ports.offers(projectId)).find((offer) => offer.task === task)!;
    const { rungs } = await this.view(projectId);
    const instructed = rungs.some(({ name, state }) => name === "instruction" && state === "better");
    if (!instructed) return recommended;
    const { encoderId } = await this.ports.workspace.projects.get(projectId);
    const { queryInstruction } = await encoderById(this.ports.workspace, encoderId);
    if (recommended.task === "adapter") {
      return { ...recommended, settings: { ...recommended.settings, queryInstruction } };
    }
    const encoder = recommended.task === "encoder" || recommended.task === "lora";
    return encoder ? { ...recommended, queryInstruction } : recommended;
  }

  private async obstacles(projectId: string): Promise<RungObstacles> {
    const { workspace } = this.ports;
    const { encoderId } = await workspace.projects.get(projectId);
    const { queryInstruction, name } = await encoderById(workspace, encoderId);
    const offers = new Map(
      (await this.ports.offers(projectId)).map(({ task, obstacle }) => [task, obstacle]),
    );
    const found = Object.entries(TASK_OF).flatMap(([rung, task]) => {
      const obstacle = offers.get(task);
      return obstacle ? [[rung, obstacle]] : [];
    });
    const none =
      queryInstruction === "" ? { instruction: `${name} names no instruction for questions.` } : {};
    return { ...Object.fromEntries(found), ...none } as RungObstacles;
  }

  private async embed(projectId: string, control: Parameters<WorkerPool["embed"]["call"]>[2]): Promise<void> {
    const { workspace, workers, key } = this.ports;
    const { encoderId } = await workspace.projects.get(projectId);
    const { queryInstruction: instruction } = await encoderById(workspace, encoderId);
    const secret = key(encoderId);
    const address = { encoderId, ...(secret === undefined ? {} : { key: secret }) };
    await workers.embed.call("embed", { projectId, instruction, ...address }, control);
  }
}
