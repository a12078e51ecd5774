import type { Dataset } from "../src/domain/data/dataset.ts";
import type { JudgedVectors } from "../src/domain/eval/evaluate.ts";
import { readDataset } from "../src/domain/formats/datasets/registry.ts";
import { selectSplit } from "../src/domain/formats/datasets/select-split.ts";
import { toRetrieval } from "../src/domain/formats/datasets/turn.ts";
import { readLlamaIndexDataset } from "../src/domain/formats/llamaindex-dataset.ts";
import { readNpy } from "../src/domain/formats/npy.ts";
import type { Matrix } from "../src/domain/matrix.ts";
import { RetuneError } from "../src/engine/errors.ts";
import type { VectorFiles } from "./job.ts";
import { datasetFiles, detectedFormat } from "./ports/dataset-files.ts";
import { readBytes, sha256 } from "./ports/files.ts";

export interface LoadedDataset {
  readonly dataset: Dataset;
  readonly hash: string; // SHA-256 of the file
  readonly file: string;
  readonly warnings: readonly string[];
}

/**
 * Reads a dataset of any format: LlamaIndex JSON, or what the registry knows (a BEIR folder or zip, FlagEmbedding and
 * Cohere JSONL, sentence-transformers tables, …). `#name` behind the path takes one split of it. `field` is the job's
 * name for it.
 */
export async function loadDataset(file: string, field?: string): Promise<LoadedDataset> {
  const [path, split] = splitOf(file);
  if (!/\.json$/i.test(path)) return loadForeign(file, path, split, field);
  const bytes = await readBytes(path, field);
  const { dataset, warnings } = readLlamaIndexDataset(bytes, path);
  return { dataset, hash: sha256(bytes), file, warnings: warnings.map(lineOf) };
}

async function loadForeign(
  file: string,
  path: string,
  split: string | undefined,
  field: string | undefined,
): Promise<LoadedDataset> {
  const files = await datasetFiles(path, field);
  const { format, ambiguous } = await detectedFormat(files, path, "a dataset is one of");
  if (ambiguous !== undefined) {
    const next = "convert it first, naming its columns (retune convert --map)";
    throw new RetuneError("E_CSV_COLUMNS", `${path}: ${ambiguous}; ${next}`, { file: path });
  }
  const { data, warnings } = await readDataset(format, files);
  const { data: turned, losses } = await toRetrieval(split === undefined ? data : selectSplit(data, split));
  const hash = sha256(Buffer.concat([...files].flatMap(([name, bytes]) => [Buffer.from(name), bytes])));
  return { dataset: turned.dataset, hash, file, warnings: [...warnings.map(lineOf), ...losses] };
}

/** "folder#train" → the folder, and its split. */
function splitOf(file: string): readonly [string, string | undefined] {
  const at = file.lastIndexOf("#");
  return at < 0 ? [file, undefined] : [file.slice(0, at), file.slice(at + 1)];
}

function lineOf({ message, count }: { readonly message: string; readonly count: number }): string {
  return `${message}${count > 1 ? ` (${count} cases)` : ""}`;
}

/** Says what is odd about a dataset, once nothing is wrong with it. */
export function showWarnings({ warnings }: LoadedDataset): void {
  for (const line of warnings) process.stderr.write(`warning: ${line}\n`);
}

/** Reads given vectors and checks them against the dataset. Errors name the file and the job's field. */
export async function loadVectors(
  files: VectorFiles,
  { dataset, file: datasetFile }: LoadedDataset,
  field: string,
): Promise<JudgedVectors> {
  const read = (part: keyof VectorFiles, rows: number, kind: string): Promise<Matrix> =>
    loadMatrix(files[part]!, `${field}.${part}`, { rows, what: `${kind} in ${datasetFile}` });
  const queries = await read("queries", dataset.queries.length, "queries");
  const corpus = await read("corpus", dataset.passages.length, "passages");
  const same = (matrix: Matrix, part: keyof VectorFiles): void => {
    requireDimension(matrix, corpus.columns, files[part]!, `${field}.${part}`, `those of ${field}.corpus`);
  };
  same(queries, "queries");
  if (files.queriesInstruction === undefined) return { queries, corpus };
  const queriesInstruction = await read("queriesInstruction", dataset.queries.length, "queries");
  same(queriesInstruction, "queriesInstruction");
  return { queries, queriesInstruction, corpus };
}

/** One .npy matrix with as many rows as `expected`. */
export async function loadMatrix(
  file: string,
  field: string,
  expected: { readonly rows: number; readonly what: string },
): Promise<Matrix> {
  const bytes = await readBytes(file, field);
  let matrix: Matrix;
  try {
    matrix = readNpy(bytes, file);
  } catch (error) {
    if (!(error instanceof RetuneError)) throw error;
    throw new RetuneError(error.code, `${error.message} (field "${field}")`, error.place, { cause: error });
  }
  if (matrix.rows !== expected.rows) {
    throw new RetuneError(
      "E_MISMATCH",
      `${file} (field "${field}") has ${matrix.rows} rows, but there are ${expected.rows} ${expected.what}; ` +
        "rows must follow the order of the file's keys",
      { file },
    );
  }
  return matrix;
}

/** Throws E_MISMATCH unless the vectors have `columns` dimensions. */
export function requireDimension(
  matrix: Matrix,
  columns: number,
  file: string,
  field: string,
  like: string,
): void {
  if (matrix.columns === columns) return;
  throw new RetuneError(
    "E_MISMATCH",
    `${file} (field "${field}") holds vectors of ${matrix.columns} dimensions, ${like} have ${columns}; ` +
      "embed all of them with one model",
    { file },
  );
}
