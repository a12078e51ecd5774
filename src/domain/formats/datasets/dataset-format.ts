// What every dataset format of others is read into and written from, and what an entry of the registry can do.
import type { Dataset } from "../../data/dataset.ts";
import type { ImportWarning } from "../../data/import-report.ts";
import type { RerankDataset } from "../../data/rerank-dataset.ts";
import type { Chat } from "./chat.ts";

/** Files of one dataset by relative path ("qrels/test.tsv"); a single file has its own name. */
export type DatasetFiles = ReadonlyMap<string, Uint8Array>;

export type DatasetFormatId =
  | "llamaindex"
  | "beir"
  | "flagembedding"
  | "cohere"
  | "st-pairs"
  | "st-triplets"
  | "st-scored"
  | "qasper"
  | "openai-chat";

/** Questions, passages and judgements, with what some formats say beside them. */
export interface RetrievalData {
  readonly kind: "retrieval";
  readonly dataset: Dataset;
  readonly splits?: readonly DatasetSplit[]; // as the files name them: "train", "dev", "test"
  readonly prompts?: ReadonlyMap<string, string>; // query id → the instruction that stands before its text
}

export interface DatasetSplit {
  readonly name: string;
  readonly queries: readonly string[]; // ids, in the order of the dataset
}

/** Texts scored for questions: what re-rankers learn from. */
export interface ScoredData {
  readonly kind: "scored";
  readonly pairs: RerankDataset;
}

export interface ChatData {
  readonly kind: "chats";
  readonly chats: readonly Chat[];
}

export type FormatData = RetrievalData | ScoredData | ChatData;
export type DataKind = FormatData["kind"];

/** Which column of a table is what. */
export interface ColumnMapping {
  readonly query: string;
  readonly positive: string; // the right text, or the text that `score` judges
  readonly negatives?: readonly string[]; // wrong texts
  readonly score?: string; // a score or label of the pair
}

/** What a file looks like, from its content and not from its name. */
export interface Detection {
  readonly format: DatasetFormatId;
  readonly confidence: number; // 0–1; 1 where the structure leaves no doubt
  readonly columns?: readonly string[]; // of a table, in file order
  readonly mapping?: ColumnMapping; // a table's, guessed where `ambiguous` is there
  readonly ambiguous?: string; // why a person should look at the mapping, one sentence
}

export interface ReadOptions {
  readonly mapping?: ColumnMapping; // of tables; without it the guessed one, see Detection.ambiguous
  readonly skipBadRows?: boolean; // leave out rows that cannot be read; else the first one is the error
}

/** A row that was left out. */
export interface BadRow {
  readonly file: string;
  readonly line: number; // from 1; of Parquet the row's number
  readonly reason: string; // a sentence without file and line
}

export interface Reading {
  readonly data: FormatData;
  readonly warnings: readonly ImportWarning[];
  readonly badRows: readonly BadRow[]; // empty without skipBadRows
}

export type Container = "jsonl" | "csv" | "tsv" | "parquet";

export interface WriteOptions {
  readonly container?: Container; // of tables; default jsonl
}

export interface Writing {
  readonly files: DatasetFiles;
  readonly losses: readonly string[]; // what the format cannot hold, a sentence with counts each
}

/** One format of others. Reading is all or nothing unless bad rows may be skipped; writing is deterministic. */
export interface DatasetFormat {
  readonly id: DatasetFormatId;
  readonly label: string; // its name in the field
  readonly kinds: readonly DataKind[]; // what it holds; the first is what others are turned into
  readonly containers?: readonly Container[]; // of tables
  /** Undefined where the files are something else. Never throws for what the files hold. */
  detect(files: DatasetFiles): Promise<Detection | undefined>;
  /**
   * Errors name file and line: those of decodeText, parseJson and readTable, and E_FIELD, E_REFERENCE, E_DUPLICATE, E_NUMBER,
   * E_EMPTY (also where every row is bad).
   */
  read(files: DatasetFiles, options?: ReadOptions): Promise<Reading>;
  /** Takes any kind of data, turning it into one the format holds. E_EMPTY where nothing is left to write. */
  write(data: FormatData, options?: WriteOptions): Promise<Writing>;
}
