import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadDataset } from "../../cli/job-data.ts";
import type { DatasetFormatId, RetrievalData } from "../../src/domain/formats/datasets/dataset-format.ts";
import { writeDataset } from "../../src/domain/formats/datasets/registry.ts";

const folder = mkdtempSync(join(tmpdir(), "retune-job-data-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const passages = ["The lead signs it.", "Trays are counted at six.", "Slips are blue."].map(
  (text, index) => ({
    id: `p${index}`,
    text,
  }),
);
const queries = ["Who signs it?", "When are trays counted?", "What colour are slips?"].map((text, index) => ({
  id: `q${index}`,
  text,
  relevant: [{ passage: `p${index}`, grade: 1 }],
}));
const data: RetrievalData = {
  kind: "retrieval",
  dataset: { queries, passages },
  splits: [
    { name: "train", queries: ["q0", "q1"] },
    { name: "test", queries: ["q2"] },
  ],
};

async function written(format: DatasetFormatId): Promise<string> {
  const { files } = await writeDataset(format, data);
  for (const [path, bytes] of files) {
    const file = join(folder, format, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
  const only = [...files.keys()];
  return only.length === 1 ? join(folder, format, only[0]!) : join(folder, format);
}

test("a job's data may be a BEIR folder, whole or by one of its splits", async () => {
  const beir = await written("beir");
  expect((await loadDataset(beir)).dataset.queries.map(({ text }) => text).sort()).toEqual(
    queries.map(({ text }) => text).sort(),
  );
  const { dataset, file } = await loadDataset(`${beir}#test`);
  expect(dataset.queries.map(({ id }) => id)).toEqual(["q2"]);
  expect(dataset.passages).toHaveLength(3);
  expect(file).toContain("#test");
  await expect(loadDataset(`${beir}#dev`)).rejects.toMatchObject({ code: "usage" });
});

test.each(["flagembedding", "cohere", "st-pairs"] as const)("a job's data may be %s", async (format) => {
  const { dataset, hash } = await loadDataset(await written(format));
  expect(dataset.queries.map(({ text }) => text)).toEqual(queries.map(({ text }) => text));
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
});

test("what is no dataset is refused with the formats there are", async () => {
  const file = join(folder, "notes.txt");
  writeFileSync(file, "nothing of the kind");
  await expect(loadDataset(file, "train")).rejects.toMatchObject({
    code: "E_UNKNOWN_FORMAT",
    message: expect.stringContaining("flagembedding") as string,
  });
});
