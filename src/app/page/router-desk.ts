import type { RouterChoice, RouterDataset, RouterExample } from "../../domain/data/router-dataset.ts";
import { RetuneError } from "../../engine/errors.ts";
import { routedQuestionViews, routerView } from "../jobs/router-data.ts";
import type { RouterRecord } from "../storage/records.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { RoutedQuestionView, RouterView } from "../studio-routers.ts";

const SPLIT = { testShare: 0.25, seed: 0 } as const;

/** A project's choices and example questions, changed one at a time. */
export class RouterDesk {
  private readonly workspace: Workspace;

  constructor(workspace: Workspace) {
    this.workspace = workspace;
  }

  async view(projectId: string): Promise<RouterView> {
    return routerView(await this.workspace.parts.router(projectId));
  }

  async questions(projectId: string): Promise<readonly RoutedQuestionView[]> {
    return routedQuestionViews(await this.workspace.parts.router(projectId));
  }

  saveChoice(
    projectId: string,
    { id, name, description }: Omit<RouterChoice, "id"> & { readonly id?: string },
  ): Promise<RouterView> {
    if (name.trim() === "") throw new RetuneError("usage", "A choice needs a name.");
    return this.change(projectId, ({ choices, examples }) => {
      const choice = { id: id ?? crypto.randomUUID(), name: name.trim(), description: description.trim() };
      return { choices: replaced(choices, choice), examples };
    });
  }

  /** Questions that had only this choice go with it; others lose it. */
  removeChoice(projectId: string, choiceId: string): Promise<RouterView> {
    return this.change(projectId, ({ choices, examples }) => ({
      choices: choices.filter(({ id }) => id !== choiceId),
      examples: examples.flatMap((example) => {
        if (!example.choices.includes(choiceId)) return [example];
        const left = example.choices.filter((id) => id !== choiceId);
        return left.length === 0 ? [] : [{ ...example, choices: left }];
      }),
    }));
  }

  saveQuestion(
    projectId: string,
    question: { readonly id?: string; readonly text: string; readonly choices: readonly string[] },
  ): Promise<RouterView> {
    const text = question.text.trim();
    if (text === "") throw new RetuneError("usage", "A question cannot be empty. Remove it instead.");
    return this.change(projectId, ({ choices, examples }) => {
      const known = new Set(choices.map(({ id }) => id));
      const right = [...new Set(question.choices)].filter((id) => known.has(id));
      const id = question.id ?? crypto.randomUUID();
      const example: RouterExample = { id, text, choices: right, origin: { kind: "typed" } };
      return { choices, examples: replaced(examples, example) };
    });
  }

  removeQuestion(projectId: string, questionId: string): Promise<RouterView> {
    return this.change(projectId, ({ choices, examples }) => ({
      choices,
      examples: examples.filter(({ id }) => id !== questionId),
    }));
  }

  private async change(
    projectId: string,
    change: (dataset: RouterDataset) => RouterDataset,
  ): Promise<RouterView> {
    const changed = await this.workspace.parts.changeRouter(projectId, (known): RouterRecord => {
      const { dataset, split } = known ?? { dataset: { choices: [], examples: [] }, split: SPLIT };
      return { projectId, dataset: change(dataset), split };
    });
    return routerView(changed);
  }
}

function replaced<Row extends { readonly id: string }>(rows: readonly Row[], row: Row): readonly Row[] {
  return rows.some(({ id }) => id === row.id)
    ? rows.map((each) => (each.id === row.id ? row : each))
    : [...rows, row];
}
