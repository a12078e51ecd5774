import type { Passage } from "../../domain/data/dataset.ts";
import { joinedSets } from "../../domain/data/groups.ts";
import { tiedJudgements } from "../../domain/data/ties.ts";
import { copyRate } from "../../domain/eval/tokens.ts";
import { RetuneError } from "../../engine/errors.ts";
import { encoderById } from "../encoders/known-encoders.ts";
import { checkProjectLeaks, movable } from "../jobs/check-leaks.ts";
import type { LeakFinding } from "../jobs/check-leaks.ts";
import { checkProject, withFlags } from "../jobs/check-questions.ts";
import { madeBy, reviewed } from "../jobs/questions.ts";
import type { DataMethods } from "../protocol/calls.ts";
import type { Handlers } from "../protocol/host.ts";
import { DecisionJournal } from "../storage/decision-journal.ts";
import type { StoredQuestion } from "../storage/records.ts";
import type { GateView, LeakView, NearQuestion, QuestionDetail } from "../studio-gate.ts";
import { dataHash } from "./data-service.ts";
import type { DataService } from "./data-service.ts";

type Of<Name extends keyof DataMethods> = DataMethods[Name]["params"];

/** Rows of one project by id, as of one revision. */
interface KnownRows {
  readonly projectId: string;
  readonly revision: number | undefined;
  readonly passages: ReadonlyMap<string, Passage>;
  readonly questions: Map<string, StoredQuestion>;
}

/** The gate, the review and the leak report: another part of the data worker. */
export class GateService {
  private readonly data: DataService;
  private readonly journal: DecisionJournal;
  private known: KnownRows | undefined;
  private turn: Promise<undefined> = Promise.resolve(undefined);

  constructor(data: DataService) {
    this.data = data;
    this.journal = new DecisionJournal(data.workspace);
  }

  async question({ projectId, questionId }: Of<"question">): Promise<QuestionDetail> {
    const { questions, passages } = await this.rowsOf(projectId);
    const question = questions.get(questionId);
    const passage = question && passages.get(question.relevant[0]!.passage);
    if (!question || !passage) {
      throw new RetuneError(
        "usage",
        `There is no question ${questionId} in this project any more. Reload the page.`,
      );
    }
    const sentence = question.origin?.sentence;
    const near = (question.flags ?? []).flatMap((flag): NearQuestion[] => {
      const other = flag.kind === "duplicate" ? questions.get(flag.other) : undefined;
      if (flag.kind !== "duplicate" || !other) return [];
      const samePassage = other.relevant.some((row) => row.passage === passage.id);
      return [{ id: other.id, text: other.text, samePassage, flag }];
    });
    return {
      id: questionId,
      passageText: passage.text,
      ...(sentence === undefined ? {} : { sentence }),
      copyRate: copyRate(question.text, passage.text),
      near,
    };
  }

  async decide({ projectId, questionIds, change }: Of<"decideQuestions">): Promise<null> {
    if (change.kind === "edit" && change.text.trim() === "") {
      throw new RetuneError("usage", "A question cannot be empty. Reject it instead.");
    }
    const ids = new Set(questionIds);
    const changed = await this.change(projectId, (row) => (ids.has(row.id) ? reviewed(row, change) : row));
    if (changed > 0 || ids.size === 0) return null;
    throw new RetuneError("usage", "These questions are not in this project any more. Reload the page.");
  }

  async undo({ projectId }: Of<"undoDecision">): Promise<DataMethods["undoDecision"]["result"]> {
    const rows = await this.inTurn(() => this.journal.undo(projectId));
    await this.note(projectId, rows);
    return rows.map(({ id, text, state, origin, flags }) => ({
      ...{ id, text, state, made: madeBy(origin) },
      ...(flags ? { flags } : {}),
    }));
  }

  readonly checkQuestions: Handlers<DataMethods>["checkQuestions"] = async (
    { projectId, settings },
    control,
  ) => {
    const { projects } = this.data.workspace;
    const { flags, view } = await checkProject(
      await projects.contents(projectId),
      await this.vectorsOf(projectId),
      settings,
      control,
    );
    if (view.checked === 0) {
      throw new RetuneError(
        "too-little-data",
        "There are no questions to check yet. Write or import some first.",
      );
    }
    const flagged = (row: StoredQuestion): StoredQuestion => withFlags(row, flags.get(row.id));
    const contents = await projects.contents(projectId);
    const differs = contents.some(({ questions }) => questions.some((row) => flagged(row) !== row));
    if (differs) await projects.changeQuestions(projectId, flagged);
    await this.data.workspace.parts.saveFinding({ projectId, kind: "gate", dataHash: "", value: view });
    return view;
  };

  async gate({ projectId }: Of<"gate">): Promise<GateView | null> {
    const found = await this.data.workspace.parts.finding(projectId, "gate");
    return (found?.value as GateView | undefined) ?? null;
  }

  readonly checkLeaks: Handlers<DataMethods>["checkLeaks"] = async ({ projectId }, control) => {
    const { data } = await this.data.open(projectId);
    if (data.test.queries.length === 0 || data.train.queries.length === 0) {
      const text = "Leaks are between training and test questions: divide the project first, or import both.";
      throw new RetuneError("too-little-data", text);
    }
    const value = await checkProjectLeaks(data, await this.vectorsOf(projectId), control);
    const { parts } = this.data.workspace;
    await parts.saveFinding({ projectId, kind: "leaks", dataHash: await dataHash(data), value });
    return value.questions.length;
  };

  async leaks({ projectId }: Of<"leaks">): Promise<LeakView | null> {
    const found = await this.data.workspace.parts.finding(projectId, "leaks");
    if (!found) return null;
    const { project, contents, data } = await this.data.open(projectId);
    const value = found.value as LeakFinding;
    return {
      ...value,
      stale: found.dataHash !== (await dataHash(data)),
      movable: movable(contents, value.groups),
      together: project.split.together?.length ?? 0,
    };
  }

  async fixLeaks({ projectId, how }: Of<"fixLeaks">): Promise<null> {
    const report = await this.leaks({ projectId });
    if (how === "drop") {
      const change = { kind: "reject" } as const;
      return this.decide({ projectId, questionIds: report?.questions ?? [], change });
    }
    const linked = (report?.groups ?? []).map(({ train, test }) => [...train, ...test]);
    await this.data.workspace.projects.update(projectId, (project) => {
      const { together = [], ...split } = project.split;
      if (how === "apart") return { ...project, split };
      return { ...project, split: { ...split, together: joinedSets([...together, ...linked]) } };
    });
    return null;
  }

  async acceptTies({ projectId, ties }: Of<"acceptTies">): Promise<number> {
    return this.change(projectId, (row) => {
      const relevant = tiedJudgements(row.relevant, ties);
      return relevant === row.relevant ? row : { ...row, relevant };
    });
  }

  private async change(projectId: string, change: (row: StoredQuestion) => StoredQuestion): Promise<number> {
    const rows = await this.inTurn(() => this.journal.change(projectId, change));
    await this.note(projectId, rows);
    return rows.length;
  }

  /** One decision after the other: what is taken back is always the last one. */
  private inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const result = this.turn.then(work);
    this.turn = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  /** Keeps the known rows in step with a change made here, so that they need not be read again. */
  private async note(projectId: string, rows: readonly StoredQuestion[]): Promise<void> {
    const { known } = this;
    const { revision } = await this.data.workspace.projects.get(projectId);
    if (known?.projectId !== projectId || (known.revision ?? 0) + 1 !== revision) return;
    for (const row of rows) known.questions.set(row.id, row);
    this.known = { ...known, revision };
  }

  private async vectorsOf(projectId: string) {
    const { workspace } = this.data;
    const { encoderId } = await workspace.projects.get(projectId);
    return { cache: workspace.vectors, encoder: await encoderById(workspace, encoderId) };
  }

  /** Rows by id; read again only when the project has changed, so that going from question to question is quick. */
  private async rowsOf(projectId: string): Promise<KnownRows> {
    const { projects } = this.data.workspace;
    const { revision } = await projects.get(projectId);
    if (this.known?.projectId === projectId && this.known.revision === revision) return this.known;
    const passages = new Map<string, Passage>();
    const questions = new Map<string, StoredQuestion>();
    for (const content of await projects.contents(projectId)) {
      for (const row of content.passages) if (!passages.has(row.id)) passages.set(row.id, row);
      for (const row of content.questions) if (!questions.has(row.id)) questions.set(row.id, row);
    }
    this.known = { projectId, revision, passages, questions };
    return this.known;
  }
}
