import { RetuneError } from "../../engine/errors.ts";
import type { Connection } from "./connection.ts";
import type { ProjectStore } from "./project-store.ts";
import type { ImportRecord, SourceRecord } from "./records.ts";
import { CONTENT, putPacked, RowPacker, takeOutRows } from "./row-packs.ts";
import type { PackedRows, SourceContent } from "./row-packs.ts";

const SLICE_BLOCKS = 16; // of one transaction, some 16,000 rows: what fits is written with the commit itself
const SLICE_BYTES = 64e6;

/** Imports that are not committed yet. */
export class ImportStore {
  private readonly connection: Connection;
  private readonly projects: ProjectStore;

  constructor(connection: Connection, projects: ProjectStore) {
    this.connection = connection;
    this.projects = projects;
  }

  async unfinished(projectId: string): Promise<ImportRecord | undefined> {
    const open = await this.connection.read(["imports"], "looking for an unfinished import", (transaction) =>
      transaction.objectStore("imports").index("project").getAll(projectId),
    );
    return open[0];
  }

  /** Begins an import, or goes on with the one that was cut off: its whole sources are kept, half ones go. */
  async open(projectId: string, names: readonly string[]): Promise<OpenImport> {
    const known = await this.unfinished(projectId);
    if (!known) return new OpenImport(this.connection, this.projects, freshRecord(projectId, names), []);
    const staged = await this.connection.write(CONTENT, "resuming an import", async (transaction) => {
      const cut = IDBKeyRange.bound([projectId, known.id, known.blocks], [projectId, known.id, []]);
      for (const name of ["passages", "questions", "texts"] as const) {
        await transaction.objectStore(name).delete(cut);
      }
      return transaction.objectStore("sources").index("project").getAll(projectId);
    });
    const own = staged.filter(({ importId }) => importId === known.id);
    return new OpenImport(this.connection, this.projects, known, own);
  }

  /** Removes what an unfinished import has read. */
  async discard(projectId: string): Promise<void> {
    const record = await this.unfinished(projectId);
    if (!record) return;
    await this.connection.write(
      CONTENT,
      "discarding an import",
      async (transaction) => {
        const sources = transaction.objectStore("sources");
        for (const source of await sources.index("project").getAll(projectId)) {
          if (source.importId === record.id) await sources.delete(source.id);
        }
        const own = IDBKeyRange.bound([projectId, record.id], [projectId, record.id, []]);
        for (const name of ["passages", "questions", "texts"] as const) {
          await transaction.objectStore(name).delete(own);
        }
        await transaction.objectStore("imports").delete(record.id);
      },
      { bytes: SLICE_BYTES * 4 },
    );
  }
}

function freshRecord(projectId: string, names: readonly string[]): ImportRecord {
  const counts = { blocks: 0, sources: 0, passages: 0, questions: 0 };
  return { id: crypto.randomUUID(), projectId, names, ...counts, startedAt: Date.now() };
}

/**
 * Rows on their way in. What is added is written as it comes, but belongs to nothing until `commit`, one small
 * transaction: a kill at any moment leaves the project as it was, and the next import of the files goes on from there.
 */
export class OpenImport {
  readonly staged: readonly SourceRecord[]; // by an earlier attempt
  private readonly connection: Connection;
  private readonly projects: ProjectStore;
  private readonly packer: RowPacker;
  private record: ImportRecord;
  private sequence: number | undefined;

  constructor(
    connection: Connection,
    projects: ProjectStore,
    record: ImportRecord,
    staged: readonly SourceRecord[],
  ) {
    this.connection = connection;
    this.projects = projects;
    this.record = record;
    this.staged = staged;
    this.packer = new RowPacker(record.projectId, record.id, record.blocks);
  }

  /** Nothing has come in, neither now nor in an earlier attempt. */
  get empty(): boolean {
    return this.record.sources === 0;
  }

  /** Takes the sources of one file after the others, all or none; writes when enough have gathered. */
  async add(contents: readonly SourceContent[]): Promise<void> {
    this.sequence ??= await this.lastSequence();
    for (const content of contents) {
      const place = { projectId: this.record.projectId, importId: this.record.id, sequence: ++this.sequence };
      this.packer.add({ ...content, source: { ...content.source, ...place } });
      this.count(content);
    }
    if (this.packer.waiting >= SLICE_BLOCKS) await this.flush();
  }

  /** Writes what has gathered; it is kept from here on, whatever happens. */
  async flush(): Promise<void> {
    const { blocks, sources } = this.packer.take();
    for (let start = SLICE_BLOCKS; start < blocks.length; start += SLICE_BLOCKS) {
      await this.write({ blocks: blocks.slice(start - SLICE_BLOCKS, start), sources: [] });
    }
    const whole = Math.max(0, Math.ceil(blocks.length / SLICE_BLOCKS) - 1) * SLICE_BLOCKS;
    this.record = { ...this.record, blocks: this.packer.next };
    await this.write({ blocks: blocks.slice(whole), sources }, true);
  }

  /** Makes everything part of the project at once; `replaced` sources go in the same transaction. */
  async commit(replaced: readonly string[] = []): Promise<void> {
    const { projectId, id } = this.record;
    if (this.packer.waiting > SLICE_BLOCKS) await this.flush();
    const rest = this.packer.take();
    await this.projects.change(
      projectId,
      "the import",
      { bytes: SLICE_BYTES * 4 },
      async (transaction, project) => {
        const sources = transaction.objectStore("sources");
        const leaving = await Promise.all(replaced.map((sourceId) => sources.get(sourceId)));
        const found = leaving.filter((source) => source !== undefined);
        await takeOutRows(transaction, found, ["passages", "questions", "texts"]);
        for (const source of found) await sources.delete(source.id);
        await putPacked(transaction, rest);
        await transaction.objectStore("imports").delete(id);
        return project;
      },
    );
  }

  private async write(packed: PackedRows, counted = false): Promise<void> {
    await this.connection.write(
      CONTENT,
      "the import",
      async (transaction) => {
        if (!(await transaction.objectStore("projects").get(this.record.projectId))) {
          throw new RetuneError("usage", "The project of this import was removed. Open another from Home.");
        }
        await putPacked(transaction, packed);
        if (counted) await transaction.objectStore("imports").put(this.record);
      },
      { durability: "relaxed", bytes: SLICE_BYTES },
    );
  }

  private count({ passages, questions }: SourceContent): void {
    this.record = {
      ...this.record,
      sources: this.record.sources + 1,
      passages: this.record.passages + passages.length,
      questions: this.record.questions + questions.length,
    };
  }

  private async lastSequence(): Promise<number> {
    const { projectId } = this.record;
    const sources = await this.connection.read(["sources"], "listing files", (transaction) =>
      transaction.objectStore("sources").index("project").getAll(projectId),
    );
    return sources.reduce((highest, { sequence }) => Math.max(highest, sequence), 0);
  }
}
