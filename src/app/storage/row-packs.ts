import type { Passage } from "../../domain/data/dataset.ts";
import type { WriteTransaction } from "./connection.ts";
import type {
  BlockPart,
  RowBlock,
  Segment,
  SourceRecord,
  SourceText,
  StoredQuestion,
  PassageBlock,
  QuestionBlock,
  TextsBlock,
} from "./records.ts";

/** A source with its rows, as importers hand it over. */
export interface SourceContent {
  readonly source: SourceRecord;
  readonly passages: readonly Passage[];
  readonly questions: readonly StoredQuestion[];
}

export const CONTENT = ["projects", "sources", "passages", "questions", "texts", "imports"] as const;
export type ContentTransaction = WriteTransaction<(typeof CONTENT)[number]>;
export type RowStore = "passages" | "questions" | "texts";

/** The blocks of a pack that were filled together, and the sources whose rows they hold. */
export interface PackedRows {
  readonly blocks: readonly PackedBlock[];
  readonly sources: readonly SourceRecord[]; // counted, and with the place of their rows
}

export interface PackedBlock {
  readonly passages?: PassageBlock;
  readonly questions?: QuestionBlock;
  readonly texts?: TextsBlock;
}

const BLOCK_ROWS = 1000;
const BLOCK_CHARACTERS = 2_000_000;

/**
 * Rows of many sources in blocks of at most 1,000 rows or about 2 MB: 10⁵ small files are then some hundred records
 * instead of 3·10⁵. A source's rows stay in order; a block may hold rows of several sources.
 */
export class RowPacker {
  private readonly projectId: string;
  private readonly pack: string;
  private block: number;
  private open = new BlockDraft();
  private blocks: PackedBlock[] = [];
  private sources: SourceRecord[] = [];

  constructor(projectId: string, pack: string, firstBlock = 0) {
    this.projectId = projectId;
    this.pack = pack;
    this.block = firstBlock;
  }

  /** The number of the next block, once what was added is taken. */
  get next(): number {
    return this.block + (this.open.empty ? 0 : 1);
  }

  /** Blocks that are full and wait to be taken. */
  get waiting(): number {
    return this.blocks.length;
  }

  add({ source, passages, questions }: SourceContent): void {
    const { blocks, ...record } = source;
    const textIn = blocks && record.textIn === undefined ? this.addText(source.id, blocks) : record.textIn;
    this.room(0);
    const from = this.block;
    for (const passage of passages) {
      this.room(passage.text.length);
      this.open.passages.push(source.id, passage);
    }
    for (const question of questions) {
      this.room(question.text.length);
      this.open.questions.push(source.id, question);
    }
    this.sources.push({
      ...record,
      ...(textIn === undefined ? {} : { textIn }),
      passages: passages.length,
      questions: questions.length,
      rowsIn: { pack: this.pack, from, to: this.block },
    });
  }

  /** What is packed so far; the block that is still open is ended too. */
  take(): PackedRows {
    if (!this.open.empty) this.seal();
    const taken = { blocks: this.blocks, sources: this.sources };
    this.blocks = [];
    this.sources = [];
    return taken;
  }

  private addText(sourceId: string, blocks: SourceText["blocks"]): Segment {
    this.room(blocks.reduce((sum, block) => sum + block.text.length, 0));
    this.open.texts.push(sourceId, { sourceId, blocks });
    return { pack: this.pack, from: this.block, to: this.block };
  }

  private room(characters: number): void {
    this.open.characters += characters;
    const full = this.open.rows >= BLOCK_ROWS || this.open.characters > BLOCK_CHARACTERS;
    if (!full || this.open.empty) return;
    this.seal();
    this.open.characters = characters;
  }

  private seal(): void {
    const { passages, questions, texts } = this.open;
    const key = { projectId: this.projectId, sourceId: this.pack, block: this.block };
    this.blocks.push({
      ...(passages.rows.length > 0
        ? { passages: { ...key, rows: passages.rows, parts: passages.parts } }
        : {}),
      ...(questions.rows.length > 0
        ? { questions: { ...key, rows: questions.rows, parts: questions.parts } }
        : {}),
      ...(texts.rows.length > 0 ? { texts: { ...key, rows: texts.rows, parts: texts.parts } } : {}),
    });
    this.block++;
    this.open = new BlockDraft();
  }
}

class BlockDraft {
  readonly passages = new Rows<Passage>();
  readonly questions = new Rows<StoredQuestion>();
  readonly texts = new Rows<SourceText>();
  characters = 0;

  get rows(): number {
    return this.passages.rows.length + this.questions.rows.length + this.texts.rows.length;
  }

  get empty(): boolean {
    return this.rows === 0;
  }
}

class Rows<Row> {
  readonly rows: Row[] = [];
  readonly parts: { sourceId: string; rows: number }[] = [];

  push(sourceId: string, row: Row): void {
    this.rows.push(row);
    const last = this.parts.at(-1);
    if (last?.sourceId === sourceId) last.rows++;
    else this.parts.push({ sourceId, rows: 1 });
  }
}

/** Rows of blocks by source, each source's in order. Blocks come ordered by pack and number, as their keys are. */
export class RowsBySource<Row> {
  private readonly rows = new Map<string, Row[]>();

  add({ sourceId, rows, parts }: RowBlock<Row>): void {
    let start = 0;
    for (const part of parts ?? [{ sourceId, rows: rows.length }]) {
      const known = this.rows.get(part.sourceId);
      const own = known ?? [];
      for (let row = start; row < start + part.rows; row++) own.push(rows[row]!);
      if (!known) this.rows.set(part.sourceId, own);
      start += part.rows;
    }
  }

  of(sourceId: string): readonly Row[] {
    return this.rows.get(sourceId) ?? [];
  }
}

/** A block without the rows of some sources; undefined where nothing is left. */
function withoutSources<Row>(block: RowBlock<Row>, leaving: ReadonlySet<string>): RowBlock<Row> | undefined {
  const rows: Row[] = [];
  const parts: BlockPart[] = [];
  let start = 0;
  for (const part of block.parts ?? [{ sourceId: block.sourceId, rows: block.rows.length }]) {
    if (!leaving.has(part.sourceId)) {
      rows.push(...block.rows.slice(start, start + part.rows));
      parts.push(part);
    }
    start += part.rows;
  }
  return rows.length === 0 ? undefined : { ...block, rows, parts };
}

/** Puts packed blocks and their sources; to be awaited inside the transaction. */
export async function putPacked(
  transaction: ContentTransaction,
  { blocks, sources }: PackedRows,
): Promise<void> {
  for (const { passages, questions, texts } of blocks) {
    if (passages) await transaction.objectStore("passages").put(passages);
    if (questions) await transaction.objectStore("questions").put(questions);
    if (texts) await transaction.objectStore("texts").put(texts);
  }
  const store = transaction.objectStore("sources");
  await Promise.all(sources.map((source) => store.put(source)));
}

/** Takes the rows of sources out of the given stores, wherever they were packed. */
export async function takeOutRows(
  transaction: ContentTransaction,
  sources: readonly SourceRecord[],
  from: readonly RowStore[],
): Promise<void> {
  const leaving = new Set(sources.map(({ id }) => id));
  for (const name of from) {
    const store = transaction.objectStore(name);
    for (const [projectId, pack, first, last] of placesOf(sources, name)) {
      const range = IDBKeyRange.bound([projectId, pack, first], [projectId, pack, last]);
      for (const key of await store.getAllKeys(range)) {
        const rest = withoutSources<unknown>((await store.get(key))!, leaving);
        if (rest) await store.put(rest as never);
        else await store.delete(key);
      }
    }
  }
}

type Place = readonly [projectId: string, pack: string, first: number, last: number];

/** The ranges of blocks that hold rows of these sources, each named once. */
function placesOf(sources: readonly SourceRecord[], store: RowStore): Iterable<Place> {
  const places = new Map<string, Place>();
  for (const source of sources) {
    const segment = store === "texts" ? source.textIn : source.rowsIn;
    if (!segment && store === "texts") continue;
    const { pack, from, to } = segment ?? { pack: source.id, from: 0, to: Number.MAX_SAFE_INTEGER };
    places.set(`${pack} ${from} ${to}`, [source.projectId, pack, from, to]);
  }
  return places.values();
}
