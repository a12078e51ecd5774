// `retune convert` for datasets: any format of the registry into any other.
import { extname, join } from "node:path";
import type {
  BadRow,
  ColumnMapping,
  Container,
  DatasetFiles,
  DatasetFormatId,
  Detection,
  ReadOptions,
  Reading,
  Writing,
} from "../src/domain/formats/datasets/dataset-format.ts";
import { packDataset } from "../src/domain/formats/datasets/pack.ts";
import { DATASET_FORMATS, datasetFormat, readDataset } from "../src/domain/formats/datasets/registry.ts";
import { selectSplit } from "../src/domain/formats/datasets/select-split.ts";
import { RetuneError } from "../src/engine/errors.ts";
import type { Arguments } from "./arguments.ts";
import { datasetFiles, detectedFormat } from "./ports/dataset-files.ts";
import { isFolder, writeWhole } from "./ports/files.ts";

const SHOWN_BAD_ROWS = 20;
const CONTAINERS: readonly Container[] = ["jsonl", "csv", "tsv", "parquet"];

/** What --to may be for a dataset; "pairs" is the older name of one of them. */
export const DATASET_TARGETS: readonly string[] = [...DATASET_FORMATS.map(({ id }) => id), "pairs"];

/** Reads, converts and writes; says on stderr what was left out and what the target cannot hold. */
export async function convertDataset(
  input: string,
  output: string,
  options: Arguments["options"],
): Promise<void> {
  const files = await datasetFiles(input);
  const mapping = mappingOf(options["map"]);
  const format = datasetFormat(options["from"] ?? (await detected(files, input, mapping)).format).id;
  const columns = mapping ? { mapping } : {};
  const reading =
    options["skip-bad-rows"] === undefined
      ? await readWhole(format, files, columns)
      : await readDataset(format, files, { ...columns, skipBadRows: true });
  const data = options["split"] === undefined ? reading.data : selectSplit(reading.data, options["split"]);
  const target = options["to"] === "pairs" ? "st-pairs" : datasetFormat(options["to"]!).id;
  const container = containerOf(target, output, options["table"]);
  const writing = await datasetFormat(target).write(data, container ? { container } : {});
  for (const { message, count } of reading.warnings)
    say("warning", count > 1 ? `${message} (${count} cases)` : message);
  sayBadRows(reading.badRows);
  for (const loss of writing.losses) say("lost", loss);
  for (const path of await writeOut(writing, output)) process.stdout.write(`${path}\n`);
}

/** All or nothing; the error says how many rows would have to be left out, where that would do. */
async function readWhole(
  format: DatasetFormatId,
  files: DatasetFiles,
  columns: ReadOptions,
): Promise<Reading> {
  try {
    return await readDataset(format, files, columns);
  } catch (error) {
    if (!(error instanceof RetuneError)) throw error;
    const rest = await readDataset(format, files, { ...columns, skipBadRows: true }).catch(() => undefined);
    const count = rest?.badRows.length ?? 0;
    if (count === 0) throw error;
    const next = `${count} bad ${count === 1 ? "row" : "rows"} in all; --skip-bad-rows leaves them out`;
    throw new RetuneError(error.code, `${error.message} (${next})`, error.place, { cause: error });
  }
}

async function detected(
  files: DatasetFiles,
  input: string,
  mapping: ColumnMapping | undefined,
): Promise<Detection> {
  const best = await detectedFormat(files, input, "say which by --from");
  if (best.ambiguous === undefined || mapping) return mapping ? mapped(best, mapping) : best;
  const { query, positive } = best.mapping!;
  const next = `say it with --map "query=${query},positive=${positive}"`;
  throw new RetuneError("E_CSV_COLUMNS", `${input}: ${best.ambiguous}; ${next}`, { file: input });
}

/** With the columns named, the kind of table follows from them. */
function mapped(best: Detection, { negatives, score }: ColumnMapping): Detection {
  if (!best.mapping) return best;
  const format = score === undefined ? (negatives ? "st-triplets" : "st-pairs") : "st-scored";
  return { ...best, format };
}

/** "query=question,positive=answer,negative=other" */
function mappingOf(text: string | undefined): ColumnMapping | undefined {
  if (text === undefined) return undefined;
  const roles = new Map<string, string[]>();
  for (const part of text.split(",")) {
    const at = part.indexOf("=");
    const [role, column] = [part.slice(0, at).trim(), part.slice(at + 1).trim()];
    if (at < 0 || column === "" || !["query", "positive", "negative", "score"].includes(role))
      throw new RetuneError(
        "usage",
        `--map takes query=COLUMN,positive=COLUMN[,negative=COLUMN][,score=COLUMN], not "${part}"`,
      );
    roles.set(role, [...(roles.get(role) ?? []), column]);
  }
  const [query] = roles.get("query") ?? [];
  const [positive] = roles.get("positive") ?? [];
  const [score] = roles.get("score") ?? [];
  const negatives = roles.get("negative");
  if (query === undefined || positive === undefined)
    throw new RetuneError("usage", "--map must name both query=COLUMN and positive=COLUMN");
  return { query, positive, ...(negatives ? { negatives } : {}), ...(score === undefined ? {} : { score }) };
}

/** The container of a table: --table, else the ending of --out. */
function containerOf(
  target: DatasetFormatId,
  output: string,
  asked: string | undefined,
): Container | undefined {
  const known = datasetFormat(target).containers ?? [];
  if (asked !== undefined && !known.some((container) => container === asked)) {
    const what = known.length === 0 ? `${target} is no table` : `known are ${known.join(", ")}`;
    throw new RetuneError("usage", `--table ${asked}: ${what}`);
  }
  const wanted = asked ?? extname(output).slice(1).toLowerCase();
  return known.length === 0 ? undefined : CONTAINERS.find((container) => container === wanted);
}

/** A single file goes to --out where that has an ending, else into it as a folder; a .zip takes all of them. */
async function writeOut({ files }: Writing, output: string): Promise<readonly string[]> {
  const [only] = files;
  if (extname(output).toLowerCase() === ".zip") {
    await writeWhole(output, packDataset(files));
    return [output];
  }
  if (only && files.size === 1 && extname(output) !== "" && !(await isFolder(output))) {
    await writeWhole(output, only[1]);
    return [output];
  }
  const paths: string[] = [];
  for (const [name, bytes] of files) {
    const path = join(output, name);
    await writeWhole(path, bytes);
    paths.push(path);
  }
  return paths;
}

function sayBadRows(rows: readonly BadRow[]): void {
  for (const { file, line, reason } of rows.slice(0, SHOWN_BAD_ROWS))
    say("left out", `${file}, line ${line}: ${reason}`);
  if (rows.length > SHOWN_BAD_ROWS) say("left out", `${rows.length - SHOWN_BAD_ROWS} more rows`);
  if (rows.length > 0) say("left out", `${rows.length} bad ${rows.length === 1 ? "row" : "rows"} in all`);
}

function say(what: string, text: string): void {
  process.stderr.write(`${what}: ${text}\n`);
}
