import type { Passage } from "../../domain/data/dataset.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { Connection, WriteTransaction } from "./connection.ts";
import type { PassageBlock, ProjectRecord, QuestionBlock, SourceRecord, StoredQuestion } from "./records.ts";
import { trainedModelId } from "./run-store.ts";

const BLOCK_ROWS = 1000;
const OF_RUNS = ["runs", "reports", "manifests", "chunks", "models"] as const;
const CONTENT = ["projects", "sources", "passages", "questions"] as const;
type ContentStore = (typeof CONTENT)[number];

/** A source with its rows, as importers hand it over. */
export interface SourceContent {
  readonly source: SourceRecord;
  readonly passages: readonly Passage[];
  readonly questions: readonly StoredQuestion[];
}

/** Projects, their files and rows. Every change is one strict transaction: all of it is there, or none. */
export class ProjectStore {
  private readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  async list(): Promise<readonly ProjectRecord[]> {
    const projects = await this.connection.read(["projects"], "listing projects", (transaction) =>
      transaction.objectStore("projects").getAll(),
    );
    return projects.sort((a, b) => a.sequence - b.sequence);
  }

  async get(projectId: string): Promise<ProjectRecord> {
    const project = await this.connection.read(["projects"], "opening a project", (transaction) =>
      transaction.objectStore("projects").get(projectId),
    );
    return existing(project, projectId);
  }

  /** Stores a new project after the existing ones, with its sources where an import brings them along. */
  async create(
    project: Omit<ProjectRecord, "sequence">,
    contents: readonly SourceContent[] = [],
  ): Promise<ProjectRecord> {
    return this.connection.write(CONTENT, `project "${project.name}"`, async (transaction) => {
      const projects = await transaction.objectStore("projects").getAll();
      const sequence = 1 + projects.reduce((last, other) => Math.max(last, other.sequence), 0);
      const record = { ...project, sequence };
      await transaction.objectStore("projects").add(record);
      for (const [index, content] of contents.entries()) {
        const source = { ...content.source, projectId: project.id, sequence: index + 1 };
        await putContent(transaction, { ...content, source });
      }
      return record;
    });
  }

  async update(projectId: string, change: (project: ProjectRecord) => ProjectRecord): Promise<ProjectRecord> {
    return this.connection.write(["projects"], "the project", async (transaction) => {
      const store = transaction.objectStore("projects");
      const changed = change(existing(await store.get(projectId), projectId));
      await store.put(changed);
      return changed;
    });
  }

  /** Removes the project with its files, rows, runs, reports and checkpoints. */
  async remove(projectId: string): Promise<void> {
    const stores = [
      ...CONTENT,
      ...OF_RUNS,
      "encoders",
      "settings",
      "routers",
      "pairs",
      "rungs",
      "findings",
    ] as const;
    await this.connection.write(stores, "removing the project", async (transaction) => {
      const within = IDBKeyRange.bound([projectId], [projectId, []]);
      await transaction.objectStore("projects").delete(projectId);
      await transaction.objectStore("passages").delete(within);
      await transaction.objectStore("questions").delete(within);
      await transaction.objectStore("encoders").delete(`vectors-${projectId}`);
      await transaction.objectStore("settings").delete(`generation rows ${projectId}`);
      await transaction.objectStore("settings").delete(`generation failures ${projectId}`);
      await transaction.objectStore("routers").delete(projectId);
      await transaction.objectStore("pairs").delete(projectId);
      for (const key of await transaction.objectStore("rungs").index("project").getAllKeys(projectId)) {
        await transaction.objectStore("rungs").delete(key);
      }
      for (const key of await transaction.objectStore("findings").index("project").getAllKeys(projectId)) {
        await transaction.objectStore("findings").delete(key);
      }
      for (const key of await transaction.objectStore("sources").index("project").getAllKeys(projectId)) {
        await transaction.objectStore("sources").delete(key);
      }
      for (const runId of await transaction.objectStore("runs").index("project").getAllKeys(projectId)) {
        const ofRun = IDBKeyRange.bound([runId], [`${runId}\uffff`]); // its result lies under a longer key
        await transaction.objectStore("runs").delete(runId);
        await transaction.objectStore("reports").delete(runId);
        await transaction.objectStore("manifests").delete(ofRun);
        await transaction.objectStore("chunks").delete(ofRun);
        await transaction.objectStore("encoders").delete(trainedModelId(runId));
        await transaction.objectStore("models").delete(trainedModelId(runId));
      }
    });
  }

  async sources(projectId: string): Promise<readonly SourceRecord[]> {
    const sources = await this.connection.read(["sources"], "listing files", (transaction) =>
      transaction.objectStore("sources").index("project").getAll(projectId),
    );
    return sources.sort((a, b) => a.sequence - b.sequence);
  }

  /** All files of a project with their rows, in order. */
  async contents(projectId: string): Promise<readonly SourceContent[]> {
    const within = IDBKeyRange.bound([projectId], [projectId, []]);
    const stores = ["sources", "passages", "questions"] as const;
    const [sources, passages, questions] = await this.connection.read(stores, "reading rows", (transaction) =>
      Promise.all([
        transaction.objectStore("sources").index("project").getAll(projectId),
        transaction.objectStore("passages").getAll(within),
        transaction.objectStore("questions").getAll(within),
      ]),
    );
    const rowsOf = <Row>(blocks: readonly { sourceId: string; rows: readonly Row[] }[], id: string): Row[] =>
      blocks.filter((block) => block.sourceId === id).flatMap((block) => block.rows);
    return sources
      .sort((a, b) => a.sequence - b.sequence)
      .map((source) => ({
        source,
        passages: rowsOf(passages, source.id),
        questions: rowsOf(questions, source.id),
      }));
  }

  /** Adds files all or nothing, after the existing ones. */
  async addSources(projectId: string, contents: readonly SourceContent[]): Promise<void> {
    await this.writeContent(projectId, contents, "the import", async (transaction) => {
      const existingSources = await transaction.objectStore("sources").index("project").getAll(projectId);
      let last = existingSources.reduce((highest, source) => Math.max(highest, source.sequence), 0);
      for (const content of contents) {
        const source = { ...content.source, projectId, sequence: ++last };
        await putContent(transaction, { ...content, source });
      }
    });
  }

  /** Replaces the rows of existing files (new chunks, generated questions) and, where given, the project. */
  async replaceContents(
    projectId: string,
    contents: readonly SourceContent[],
    change?: (project: ProjectRecord) => ProjectRecord,
  ): Promise<void> {
    await this.writeContent(projectId, contents, "the new rows", async (transaction) => {
      for (const content of contents) {
        await deleteRows(transaction, projectId, content.source.id);
        await putContent(transaction, content);
      }
      if (!change) return;
      const store = transaction.objectStore("projects");
      await store.put(change(existing(await store.get(projectId), projectId)));
    });
  }

  async removeSource(projectId: string, sourceId: string): Promise<void> {
    await this.connection.write(CONTENT, "removing a file", async (transaction) => {
      await transaction.objectStore("sources").delete(sourceId);
      await deleteRows(transaction, projectId, sourceId);
    });
  }

  /** Changes one question in place; `change` answers undefined where it is not the one. */
  async changeQuestion(
    projectId: string,
    questionId: string,
    change: (question: StoredQuestion) => StoredQuestion,
  ): Promise<void> {
    await this.connection.write(["questions"], "the question", async (transaction) => {
      const within = IDBKeyRange.bound([projectId], [projectId, []]);
      const store = transaction.objectStore("questions");
      for (const block of await store.getAll(within)) {
        const index = block.rows.findIndex((row) => row.id === questionId);
        if (index < 0) continue;
        await store.put({ ...block, rows: block.rows.with(index, change(block.rows[index]!)) });
        return;
      }
      throw new RetuneError("usage", `There is no question ${questionId} in this project. Reload the page.`);
    });
  }

  private writeContent(
    projectId: string,
    contents: readonly SourceContent[],
    what: string,
    work: (transaction: WriteTransaction<ContentStore>) => Promise<void>,
  ): Promise<void> {
    const bytes = contents.reduce((sum, content) => sum + content.source.bytes, 0);
    return this.connection.write(
      CONTENT,
      what,
      async (transaction) => {
        existing(await transaction.objectStore("projects").get(projectId), projectId);
        await work(transaction);
      },
      { bytes },
    );
  }
}

async function putContent(
  transaction: WriteTransaction<ContentStore>,
  { source, passages, questions }: SourceContent,
): Promise<void> {
  const { projectId, id: sourceId } = source;
  const counted = { ...source, passages: passages.length, questions: questions.length };
  await transaction.objectStore("sources").put(counted);
  const passageStore = transaction.objectStore("passages");
  for (const [block, rows] of blocksOf(passages).entries()) {
    const record: PassageBlock = { projectId, sourceId, block, rows };
    await passageStore.put(record);
  }
  const questionStore = transaction.objectStore("questions");
  for (const [block, rows] of blocksOf(questions).entries()) {
    const record: QuestionBlock = { projectId, sourceId, block, rows };
    await questionStore.put(record);
  }
}

async function deleteRows(
  transaction: WriteTransaction<ContentStore>,
  projectId: string,
  sourceId: string,
): Promise<void> {
  const range = IDBKeyRange.bound([projectId, sourceId], [projectId, sourceId, []]);
  await transaction.objectStore("passages").delete(range);
  await transaction.objectStore("questions").delete(range);
}

function blocksOf<Row>(rows: readonly Row[]): Row[][] {
  const blocks: Row[][] = [];
  for (let start = 0; start < rows.length; start += BLOCK_ROWS)
    blocks.push(rows.slice(start, start + BLOCK_ROWS));
  return blocks;
}

function existing(project: ProjectRecord | undefined, projectId: string): ProjectRecord {
  if (!project) throw new RetuneError("usage", `There is no project ${projectId}. Open it from Home.`);
  return project;
}
