import { GATE } from "../../domain/data/gate.ts";
import type {
  GateSettings,
  GateStudio,
  GateView,
  LeakView,
  QuestionDetail,
  RestoredQuestion,
} from "../studio-gate.ts";
import type { QuestionChange } from "../studio-data.ts";
import type { StudioPorts } from "./studio-ports.ts";

type GatePorts = Pick<StudioPorts, "jobs" | "workers" | "desk">;

const QUIET_MS = 3000; // a person who decides question after question is not held up by what follows from it

/** The gate, the review and the leak report of a project. */
export class GateDesk implements GateStudio {
  private readonly ports: GatePorts;
  private readonly waiting = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(ports: GatePorts) {
    this.ports = ports;
  }

  question(projectId: string, questionId: string): Promise<QuestionDetail> {
    return this.ports.workers.data.call("question", { projectId, questionId });
  }

  async decideQuestions(
    projectId: string,
    questionIds: readonly string[],
    change: QuestionChange,
  ): Promise<void> {
    await this.ports.workers.data.call("decideQuestions", { projectId, questionIds, change });
    this.changedSoon(projectId);
  }

  async undoDecision(projectId: string): Promise<readonly RestoredQuestion[]> {
    const restored = await this.ports.workers.data.call("undoDecision", { projectId });
    if (restored.length > 0) this.changedSoon(projectId);
    return restored;
  }

  checkQuestions(projectId: string, settings: GateSettings = { top: GATE.top }): Promise<string> {
    const request = { kind: "check", projectId, label: "Checking questions" } as const;
    const id = this.ports.jobs.start(request, async (control) => {
      const params = { projectId, settings };
      const { flagged, checked } = await this.ports.workers.data.call("checkQuestions", params, control);
      this.ports.desk.changed(projectId);
      return `${flagged} of ${checked} questions flagged`;
    });
    return Promise.resolve(id);
  }

  gate(projectId: string): Promise<GateView | null> {
    return this.ports.workers.data.call("gate", { projectId });
  }

  checkLeaks(projectId: string): Promise<string> {
    const request = { kind: "check", projectId, label: "Looking for leaks" } as const;
    const id = this.ports.jobs.start(request, async (control) => {
      const questions = await this.ports.workers.data.call("checkLeaks", { projectId }, control);
      this.ports.desk.changed(projectId);
      return questions === 0 ? "No test question leaks" : `${questions} test questions leak`;
    });
    return Promise.resolve(id);
  }

  leaks(projectId: string): Promise<LeakView | null> {
    return this.ports.workers.data.call("leaks", { projectId });
  }

  async fixLeaks(projectId: string, how: "together" | "drop" | "apart"): Promise<void> {
    await this.ports.workers.data.call("fixLeaks", { projectId, how });
    this.ports.desk.changed(projectId);
  }

  async acceptTies(
    projectId: string,
    ties: readonly { readonly passage: string; readonly other: string }[],
  ): Promise<number> {
    const changed = await this.ports.workers.data.call("acceptTies", { projectId, ties });
    this.ports.desk.changed(projectId);
    return changed;
  }

  private changedSoon(projectId: string): void {
    clearTimeout(this.waiting.get(projectId));
    const tell = (): void => {
      this.waiting.delete(projectId);
      this.ports.desk.changed(projectId);
    };
    this.waiting.set(projectId, setTimeout(tell, QUIET_MS));
  }
}
