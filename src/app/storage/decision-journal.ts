import type { StoredQuestion } from "./records.ts";
import type { Workspace } from "./workspace.ts";

const KIND = "decisions";
const MOST_ROWS = 20_000; // kept over all decisions: the oldest go first
const MOST_STEPS = 200;

type Step = readonly StoredQuestion[]; // as they were before

/**
 * Decisions about questions, with the way back: each keeps the rows as they were, so that the last ones can be taken back,
 * also after a reload. Lies among the findings of the project and goes with it.
 */
export class DecisionJournal {
  private readonly workspace: Pick<Workspace, "projects" | "parts">;

  constructor(workspace: Pick<Workspace, "projects" | "parts">) {
    this.workspace = workspace;
  }

  /** Changes questions in one transaction as one decision; the rows as they are now. `change` answers others unchanged. */
  async change(
    projectId: string,
    change: (row: StoredQuestion) => StoredQuestion,
  ): Promise<readonly StoredQuestion[]> {
    const before = new Map<string, StoredQuestion>();
    const after = new Map<string, StoredQuestion>();
    await this.workspace.projects.changeQuestions(projectId, (row) => {
      const changed = change(row);
      if (changed === row || before.has(row.id)) return changed;
      before.set(row.id, row);
      after.set(row.id, changed);
      return changed;
    });
    if (before.size > 0) await this.save(projectId, [...(await this.steps(projectId)), [...before.values()]]);
    return [...after.values()];
  }

  /** Takes the last decision back whose questions still exist; the rows as they are again, none where nothing is left. */
  async undo(projectId: string): Promise<readonly StoredQuestion[]> {
    const steps = [...(await this.steps(projectId))];
    for (let step = steps.pop(); step; step = steps.pop()) {
      const before = new Map(step.map((row) => [row.id, row]));
      const restored = await this.restore(projectId, before);
      await this.save(projectId, steps);
      if (restored) return step;
    }
    return [];
  }

  /** False where none of them is there any more: cut anew, or removed with their file. */
  private async restore(projectId: string, before: ReadonlyMap<string, StoredQuestion>): Promise<boolean> {
    let found = false;
    await this.workspace.projects.changeQuestions(projectId, (row) => {
      const earlier = before.get(row.id);
      found ||= earlier !== undefined;
      return earlier ?? row;
    });
    return found;
  }

  private async steps(projectId: string): Promise<readonly Step[]> {
    const found = await this.workspace.parts.finding(projectId, KIND);
    return (found?.value as readonly Step[] | undefined) ?? [];
  }

  private async save(projectId: string, steps: readonly Step[]): Promise<void> {
    const kept: Step[] = [];
    let rows = 0;
    for (const step of steps.slice(-MOST_STEPS).toReversed()) {
      rows += step.length;
      if (rows > MOST_ROWS && kept.length > 0) break;
      kept.unshift(step);
    }
    await this.workspace.parts.saveFinding({ projectId, kind: KIND, dataHash: "", value: kept });
  }
}
