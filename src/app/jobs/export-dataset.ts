import type { Dataset } from "../../domain/data/dataset.ts";
import type {
  Container,
  DatasetFiles,
  DatasetFormatId,
  FormatData,
} from "../../domain/formats/datasets/dataset-format.ts";
import { datasetFormat, readDataset, writeDataset } from "../../domain/formats/datasets/registry.ts";
import { writeZip } from "../../domain/formats/zip-writer.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { SentBytes } from "../protocol/calls.ts";

export interface ExportedDataset {
  readonly file: SentBytes;
  readonly losses: readonly string[];
}

/**
 * A dataset in one of the formats of others, read back and written again: the same bytes, or "corrupt". A format of one
 * file is handed over as that file, a folder as a zip. Errors: "too-little-data" without questions, those of the writers.
 */
export async function exportDatasetAs(
  dataset: Dataset,
  format: DatasetFormatId,
  name: string,
  container?: Container,
): Promise<ExportedDataset> {
  if (dataset.queries.length === 0) {
    throw new RetuneError("too-little-data", "There are no questions in this part to export yet.");
  }
  const data: FormatData = { kind: "retrieval", dataset };
  const options = container === undefined ? {} : { container };
  const { files, losses } = await writeDataset(format, data, options);
  const back = (await readDataset(format, files)).data;
  const again = (await writeDataset(format, back, options)).files;
  if (!sameFiles(files, again)) {
    const { label } = datasetFormat(format);
    throw new RetuneError("corrupt", `The exported ${label} reads back differently; nothing was saved.`);
  }
  const verified = `${countsOf(back)} read back and compared`;
  return { file: { ...packed(files, `${name}-${format}`), verified }, losses };
}

function sameFiles(one: DatasetFiles, other: DatasetFiles): boolean {
  if (one.size !== other.size) return false;
  return [...one].every(([name, bytes]) => {
    const twin = other.get(name);
    return twin?.length === bytes.length && bytes.every((byte, index) => byte === twin[index]);
  });
}

function countsOf(data: FormatData): string {
  if (data.kind === "chats") return `${data.chats.length} chats`;
  if (data.kind === "scored") {
    const pairs = data.pairs.queries.reduce((sum, { candidates }) => sum + candidates.length, 0);
    return `${data.pairs.queries.length} questions with ${pairs} scored texts`;
  }
  const { queries, passages } = data.dataset;
  return `${queries.length} questions over ${passages.length} passages`;
}

function packed(files: DatasetFiles, name: string): Omit<SentBytes, "verified"> {
  const [only, ...others] = files;
  if (only && others.length === 0) {
    const ending = /\.[^./]+$/.exec(only[0])?.[0] ?? "";
    return { name: `${name}${ending}`, bytes: new Uint8Array(only[1]) };
  }
  const contents = Array.from(files, ([path, bytes]) => ({ name: `${name}/${path}`, bytes }));
  return { name: `${name}.zip`, bytes: new Uint8Array(writeZip(contents)) };
}
