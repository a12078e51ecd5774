import { RetuneError } from "../../../engine/errors.ts";
import { beirFormat } from "./beir.ts";
import { cohereFormat } from "./cohere.ts";
import type {
  DatasetFiles,
  DatasetFormat,
  DatasetFormatId,
  Detection,
  FormatData,
  ReadOptions,
  Reading,
  WriteOptions,
  Writing,
} from "./dataset-format.ts";
import { flagEmbeddingFormat } from "./flag-embedding.ts";
import { llamaIndexFormat } from "./llamaindex.ts";
import { openAiChatFormat } from "./openai-chat.ts";
import { qasperFormat } from "./qasper.ts";
import { pairsFormat, scoredFormat, tripletsFormat } from "./sentence-transformers.ts";

/** Every dataset format of others, in the order in which people are offered them. */
export const DATASET_FORMATS: readonly DatasetFormat[] = [
  llamaIndexFormat,
  beirFormat,
  flagEmbeddingFormat,
  cohereFormat,
  pairsFormat,
  tripletsFormat,
  scoredFormat,
  qasperFormat,
  openAiChatFormat,
];

/** The entry of a format. "usage" with the known ones for another name. */
export function datasetFormat(id: string): DatasetFormat {
  const found = DATASET_FORMATS.find((format) => format.id === id);
  if (found) return found;
  const known = DATASET_FORMATS.map((format) => format.id).join(", ");
  throw new RetuneError("usage", `there is no dataset format "${id}"; known: ${known}`);
}

/** What the files may be, likeliest first; empty where they are no dataset of a known format. */
export async function detectDataset(files: DatasetFiles): Promise<readonly Detection[]> {
  const found: Detection[] = [];
  for (const format of DATASET_FORMATS) {
    const detection = await format.detect(files);
    if (detection) found.push(detection);
    if (detection?.confidence === 1) break; // no doubt is left, and looking costs time in large files
  }
  return found.sort((one, other) => other.confidence - one.confidence);
}

/** Reads the files as a format; see DatasetFormat.read. */
export function readDataset(
  format: DatasetFormatId,
  files: DatasetFiles,
  options: ReadOptions = {},
): Promise<Reading> {
  return datasetFormat(format).read(files, options);
}

/** Writes data of any kind as a format, with what that format cannot hold; see DatasetFormat.write. */
export function writeDataset(
  format: DatasetFormatId,
  data: FormatData,
  options: WriteOptions = {},
): Promise<Writing> {
  return datasetFormat(format).write(data, options);
}
