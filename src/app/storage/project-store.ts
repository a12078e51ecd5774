import { RetuneError } from "../../engine/errors.ts";
import type { Connection, ReadTransaction } from "./connection.ts";
import type {
  ContentTally,
  PassageBlock,
  ProjectRecord,
  QuestionBlock,
  SourceRecord,
  StoredQuestion,
  TextsBlock,
} from "./records.ts";
import { removeProject } from "./remove-project.ts";
import { CONTENT, putPacked, RowPacker, RowsBySource, takeOutRows } from "./row-packs.ts";
import type { ContentTransaction, SourceContent } from "./row-packs.ts";
import { eachBlock, lastSequence, tallyOf, visibleSources } from "./stored-rows.ts";

export type { SourceContent } from "./row-packs.ts";

const LARGE_BYTES = 400e6; // rows of 10⁵ passages take a slow disk this long: the watchdog must not bark before

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
      const packer = new RowPacker(project.id, crypto.randomUUID());
      for (const [index, content] of contents.entries()) {
        packer.add({ ...content, source: { ...content.source, projectId: project.id, sequence: index + 1 } });
      }
      const packed = packer.take();
      const record = { ...project, sequence, revision: 1, tally: tallyOf(packed.sources) };
      await transaction.objectStore("projects").add(record);
      await putPacked(transaction, packed);
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
  remove(projectId: string): Promise<void> {
    return removeProject(this.connection, projectId);
  }

  /** Committed files in order, without their text. */
  async sources(projectId: string): Promise<readonly SourceRecord[]> {
    const stores = ["sources", "imports", "passages", "questions", "texts"] as const;
    const read = (transaction: ReadTransaction<(typeof stores)[number]>): Promise<SourceRecord[]> =>
      visibleSources(transaction, projectId);
    return this.connection.read(stores, "listing files", read, { bytes: LARGE_BYTES });
  }

  /** How much a project holds, without reading its rows. */
  async tally(project: ProjectRecord): Promise<ContentTally> {
    return project.tally ?? tallyOf(await this.sources(project.id));
  }

  /** All committed files of a project with their rows, in order; with `texts`, also what documents are cut from. */
  async contents(
    projectId: string,
    { texts = false }: { readonly texts?: boolean } = {},
  ): Promise<readonly SourceContent[]> {
    const stores = ["sources", "imports", "passages", "questions", "texts"] as const;
    const passages = new RowsBySource<PassageBlock["rows"][number]>();
    const questions = new RowsBySource<QuestionBlock["rows"][number]>();
    const cut = new RowsBySource<TextsBlock["rows"][number]>();
    const sources = await this.connection.read(
      stores,
      "reading rows",
      async (transaction) => {
        await eachBlock<PassageBlock>(transaction, "passages", projectId, (block) => passages.add(block));
        await eachBlock<QuestionBlock>(transaction, "questions", projectId, (block) => questions.add(block));
        if (texts) await eachBlock<TextsBlock>(transaction, "texts", projectId, (block) => cut.add(block));
        return visibleSources(transaction, projectId);
      },
      { bytes: LARGE_BYTES },
    );
    return sources.map((source) => {
      const text = cut.of(source.id)[0];
      return {
        source: text ? { ...source, blocks: text.blocks } : source,
        passages: passages.of(source.id),
        questions: questions.of(source.id),
      };
    });
  }

  /** Adds files all or nothing, after the existing ones. */
  async addSources(projectId: string, contents: readonly SourceContent[]): Promise<void> {
    await this.change(projectId, "the import", { bytes: bytesOf(contents) }, async (transaction, project) => {
      let last = await lastSequence(transaction, projectId);
      const packer = new RowPacker(projectId, crypto.randomUUID());
      for (const content of contents) {
        packer.add({ ...content, source: { ...content.source, projectId, sequence: ++last } });
      }
      await putPacked(transaction, packer.take());
      return project;
    });
  }

  /** Replaces the rows of existing files (new chunks, generated questions) and, where given, the project. */
  async replaceContents(
    projectId: string,
    contents: readonly SourceContent[],
    change: (project: ProjectRecord) => ProjectRecord = (project) => project,
  ): Promise<void> {
    await this.change(
      projectId,
      "the new rows",
      { bytes: bytesOf(contents) },
      async (transaction, project) => {
        const sources = contents.map(({ source }) => source);
        await takeOutRows(transaction, sources, ["passages", "questions"]);
        const packer = new RowPacker(projectId, crypto.randomUUID());
        for (const content of contents) packer.add(content);
        await putPacked(transaction, packer.take());
        return change(project);
      },
    );
  }

  /** Changes what is kept of files besides their rows (their role), and, where given, the project. */
  async changeSources(
    projectId: string,
    change: (source: SourceRecord) => SourceRecord,
    changeProject: (project: ProjectRecord) => ProjectRecord = (project) => project,
  ): Promise<void> {
    await this.change(projectId, "the files", { bytes: LARGE_BYTES }, async (transaction, project) => {
      const store = transaction.objectStore("sources");
      const sources = await store.index("project").getAll(projectId);
      await Promise.all(sources.map((source) => store.put(change(source))));
      return changeProject(project);
    });
  }

  async removeSource(projectId: string, sourceId: string): Promise<void> {
    await this.removeSources(projectId, [sourceId]);
  }

  async removeSources(projectId: string, sourceIds: readonly string[]): Promise<void> {
    await this.change(projectId, "removing files", { bytes: LARGE_BYTES }, async (transaction, project) => {
      const store = transaction.objectStore("sources");
      const found = await Promise.all(sourceIds.map((id) => store.get(id)));
      const sources = found.filter((source) => source !== undefined);
      await takeOutRows(transaction, sources, ["passages", "questions", "texts"]);
      for (const { id } of sources) await store.delete(id);
      return project;
    });
  }

  /** Changes one question in place. */
  async changeQuestion(
    projectId: string,
    questionId: string,
    change: (question: StoredQuestion) => StoredQuestion,
  ): Promise<void> {
    let found = false;
    const changeOne = (row: StoredQuestion): StoredQuestion => {
      if (row.id !== questionId) return row;
      found = true;
      return change(row);
    };
    await this.changeQuestions(projectId, changeOne, () => found);
    if (found) return;
    throw new RetuneError("usage", `There is no question ${questionId} in this project. Reload the page.`);
  }

  /** Changes questions in place, in one transaction; `change` answers the same object where nothing changes. */
  async changeQuestions(
    projectId: string,
    change: (question: StoredQuestion) => StoredQuestion,
    enough: () => boolean = () => false,
  ): Promise<void> {
    const options = { bytes: 0, counted: false };
    await this.change(projectId, "the questions", options, async (transaction, project) => {
      const store = transaction.objectStore("questions");
      for (const key of await store.getAllKeys(IDBKeyRange.bound([projectId], [projectId, []]))) {
        if (enough()) break;
        const block = (await store.get(key))!;
        const rows = block.rows.map(change);
        if (rows.some((row, index) => row !== block.rows[index])) await store.put({ ...block, rows });
      }
      return project;
    });
  }

  /**
   * One strict transaction over files and rows: what was read before belongs to an older revision afterwards.
   * `counted` false: neither files nor numbers of rows change.
   */
  async change(
    projectId: string,
    what: string,
    { bytes, counted = true }: { readonly bytes: number; readonly counted?: boolean },
    work: (transaction: ContentTransaction, project: ProjectRecord) => Promise<ProjectRecord>,
  ): Promise<void> {
    await this.connection.write(
      CONTENT,
      what,
      async (transaction) => {
        const store = transaction.objectStore("projects");
        const project = existing(await store.get(projectId), projectId);
        const changed = { ...(await work(transaction, project)), revision: (project.revision ?? 0) + 1 };
        const tally = counted ? tallyOf(await visibleSources(transaction, projectId)) : undefined;
        await store.put(tally ? { ...changed, tally } : changed);
      },
      { bytes },
    );
  }
}

function bytesOf(contents: readonly SourceContent[]): number {
  return contents.reduce((sum, content) => sum + content.source.bytes, 0);
}

function existing(project: ProjectRecord | undefined, projectId: string): ProjectRecord {
  if (!project) throw new RetuneError("usage", `There is no project ${projectId}. Open it from Home.`);
  return project;
}
