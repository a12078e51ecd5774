import type { DatasetFormatId } from "../../../../src/domain/formats/datasets/dataset-format.ts";
import { packDataset } from "../../../../src/domain/formats/datasets/pack.ts";
import { datasetFormat, detectDataset } from "../../../../src/domain/formats/datasets/registry.ts";
import type { FuzzTarget } from "../mutations.ts";
import { seededChats, seededRetrieval, seededScores } from "./seeded-data.ts";

const DATA = seededRetrieval(5);

/** One file of a dataset spoilt: looked at, read without its bad rows, and read as a whole. */
async function target(
  id: DatasetFormatId,
  given: Parameters<ReturnType<typeof datasetFormat>["write"]>,
): Promise<readonly FuzzTarget[]> {
  const format = datasetFormat(id);
  const { files } = await format.write(...given);
  return Array.from(files, ([name, seed]) => ({
    name: `${id} ${name}`,
    seeds: [seed],
    read: async (bytes: Uint8Array) => {
      const spoilt = new Map([...files, [name, bytes]]);
      await detectDataset(spoilt);
      await format.read(spoilt, { skipBadRows: true });
      await format.read(spoilt);
    },
  }));
}

async function zipTarget(): Promise<FuzzTarget> {
  const format = datasetFormat("beir");
  const { files } = await format.write(DATA);
  const read = async (bytes: Uint8Array): Promise<void> => {
    const spoilt = new Map([["beir.zip", bytes]]);
    await detectDataset(spoilt);
    await format.read(spoilt, { skipBadRows: true });
  };
  return { name: "beir zip", seeds: [packDataset(files)], read };
}

/** Every file that a dataset reader meets. */
export const DATASET_FUZZ_TARGETS: readonly FuzzTarget[] = [
  ...(await target("llamaindex", [DATA])),
  ...(await target("beir", [DATA])),
  await zipTarget(),
  ...(await target("flagembedding", [DATA])),
  ...(await target("flagembedding", [seededScores(6, "teacher")])),
  ...(await target("cohere", [DATA])),
  ...(await target("st-triplets", [DATA])),
  ...(await target("st-scored", [DATA, { container: "csv" }])),
  ...(await target("st-pairs", [DATA, { container: "parquet" }])),
  ...(await target("qasper", [DATA])),
  ...(await target("openai-chat", [seededChats(7)])),
];
