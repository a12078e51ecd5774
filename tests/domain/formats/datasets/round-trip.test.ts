import { expect, test } from "vitest";
import type {
  DatasetFormatId,
  FormatData,
  RetrievalData,
} from "../../../../src/domain/formats/datasets/dataset-format.ts";
import {
  DATASET_FORMATS,
  datasetFormat,
  detectDataset,
  readDataset,
  writeDataset,
} from "../../../../src/domain/formats/datasets/registry.ts";
import { toRetrieval } from "../../../../src/domain/formats/datasets/turn.ts";
import { laterRefusal } from "../refusal.ts";
import { bothHold, heldBy, HOLDINGS } from "./held.ts";
import { seededChats, seededRetrieval, seededScores } from "./seeded-data.ts";

const SEEDS = [1, 2, 3, 4, 5];
const IDS = Object.keys(HOLDINGS) as DatasetFormatId[];
const TABLES = DATASET_FORMATS.flatMap(({ id, containers = [] }) =>
  containers.map((container) => [id, container] as const),
);

/** Written and read again; what was written is recognised as what it is. */
async function again(id: DatasetFormatId, data: FormatData): Promise<FormatData> {
  const { files } = await writeDataset(id, data);
  const [best] = await detectDataset(files);
  expect(best?.format).toBe(id);
  expect(best?.ambiguous).toBeUndefined();
  const reading = await readDataset(id, files);
  expect(reading.badRows).toEqual([]);
  return reading.data;
}

async function retrievalOf(data: FormatData): Promise<RetrievalData> {
  return (await toRetrieval(data)).data;
}

test("every format of the registry says what it holds here", () => {
  expect(DATASET_FORMATS.map(({ id }) => id)).toEqual(expect.arrayContaining(IDS));
  expect(DATASET_FORMATS.length).toBe(IDS.length);
});

test.each(IDS)("%s gives back all that it can hold", async (id) => {
  for (const seed of SEEDS) {
    const data = seededRetrieval(seed);
    const back = await retrievalOf(await again(id, data));
    expect(heldBy(HOLDINGS[id], back)).toEqual(heldBy(HOLDINGS[id], data));
  }
});

test.each(IDS.flatMap((one) => IDS.filter((other) => other !== one).map((other) => [one, other] as const)))(
  "%s through %s and back keeps what both hold",
  async (one, other) => {
    const data = seededRetrieval(11);
    const holding = bothHold(HOLDINGS[one], HOLDINGS[other]);
    const round = async (): Promise<FormatData> => again(one, await again(other, await again(one, data)));
    if (holding.onlyWithNegatives && !holding.negatives) {
      await laterRefusal(round, "E_EMPTY", "triplets need wrong texts");
      return;
    }
    const back = await retrievalOf(await round());
    expect(heldBy(holding, back)).toEqual(heldBy(holding, data));
  },
);

test.each(TABLES)("%s as %s gives back the same rows", async (id, container) => {
  for (const seed of SEEDS) {
    const data = seededRetrieval(seed);
    const { files } = await datasetFormat(id).write(data, { container });
    expect([...files.keys()]).toEqual([`train.${container}`]);
    const back = await retrievalOf((await readDataset(id, files)).data);
    expect(heldBy(HOLDINGS[id], back)).toEqual(heldBy(HOLDINGS[id], data));
  }
});

test.each(["labels", "teacher"] as const)("scored pairs keep every score, %s", async (scores) => {
  for (const seed of SEEDS) {
    const data = seededScores(seed, scores);
    const rows = (given: FormatData): unknown =>
      given.kind === "scored" &&
      given.pairs.queries.map(({ text, candidates }) => [
        text,
        new Map(candidates.map((candidate) => [candidate.text, candidate.score])),
      ]);
    for (const id of ["st-scored", "flagembedding"] as const) {
      const back = await again(id, data);
      expect(back.kind === "scored" && back.pairs.scores).toBe(scores);
      expect(rows(back)).toEqual(rows(data));
      const other = id === "st-scored" ? "flagembedding" : "st-scored";
      expect(rows(await again(other, back))).toEqual(rows(data));
    }
  }
});

test("chats come back as they were, calls, weights and the order of a schema's keys included", async () => {
  for (const seed of SEEDS) {
    const data = seededChats(seed);
    expect(await again("openai-chat", data)).toEqual(data);
  }
});

test("writing is deterministic, and reading gives the same ids each time", async () => {
  for (const id of IDS) {
    const data = seededRetrieval(3);
    const [one, other] = [await writeDataset(id, data), await writeDataset(id, data)];
    expect(one.files).toEqual(other.files);
    expect((await readDataset(id, one.files)).data).toEqual((await readDataset(id, other.files)).data);
  }
});
