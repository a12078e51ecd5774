import { expect, test } from "vitest";
import type { Fusion, MetricName } from "../../../src/domain/eval/report.ts";
import { readFusion, writeFusion } from "../../../src/domain/formats/fusion-json.ts";
import { writeMetricsCsv } from "../../../src/domain/formats/metrics-csv.ts";
import { pythonFloat } from "../../../src/domain/formats/python-json.ts";
import { alignVectors, readVectorsJsonl } from "../../../src/domain/formats/vectors-jsonl.ts";
import { refusal } from "./refusal.ts";

test("fusion.json has exactly the shape of the contract and comes back", () => {
  const fusion: Fusion = {
    lexical: { kind: "bm25", k1: 1.2, b: 0.75, tokens: "[a-z0-9]+" },
    normalise: "z-score per query over all passages, population sd",
    weights: { dense: 0.6, lexical: 0.4 },
  };
  const text = writeFusion(fusion);
  expect(JSON.stringify(JSON.parse(text))).toBe(
    '{"lexical":{"kind":"bm25","k1":1.2,"b":0.75,"tokens":"[a-z0-9]+"},"normalise":"z-score per query over all passages, population sd","weights":{"dense":0.6,"lexical":0.4}}',
  );
  expect(readFusion(text)).toEqual(fusion);
  refusal(
    () => readFusion(text.replace("bm25", "tf-idf"), "fusion.json"),
    "E_FIELD",
    "fusion.json",
    "lexical.kind",
  );
  refusal(() => readFusion(text.replace("0.6", '"a lot"')), "E_FIELD", "weights.dense");
  refusal(() => readFusion("[]"), "E_FIELD");
});

test("metrics CSV has sentence-transformers' columns in their order and Python's floats", () => {
  const metrics = {} as Record<MetricName, number>;
  for (const k of [1, 3, 5, 10] as const) {
    for (const kind of ["hit", "accuracy", "precision", "recall"] as const) metrics[`${kind}@${k}`] = k / 20;
  }
  Object.assign(metrics, { "mrr@10": 1, "ndcg@10": 1e-5, "map@100": 1 / 3 });
  const csv = writeMetricsCsv([{ epoch: -1, steps: -1, metrics: metrics }], "cos_sim");
  expect(csv).toBe(
    "epoch,steps,cos_sim-Accuracy@1,cos_sim-Accuracy@3,cos_sim-Accuracy@5,cos_sim-Accuracy@10,cos_sim-Precision@1,cos_sim-Recall@1," +
      "cos_sim-Precision@3,cos_sim-Recall@3,cos_sim-Precision@5,cos_sim-Recall@5,cos_sim-Precision@10,cos_sim-Recall@10," +
      "cos_sim-MRR@10,cos_sim-NDCG@10,cos_sim-MAP@100\n" +
      "-1,-1,0.05,0.15,0.25,0.5,0.05,0.05,0.15,0.15,0.25,0.25,0.5,0.5,1.0,1e-05,0.3333333333333333\n",
  );
  expect(writeMetricsCsv([]).startsWith("epoch,steps,cosine-Accuracy@1,")).toBe(true);
});

test("floats are spelled as Python's str does", () => {
  const cases: [number, string][] = [
    [0, "0.0"],
    [-0, "-0.0"],
    [1, "1.0"],
    [0.0001, "0.0001"],
    [0.00012345, "0.00012345"],
    [0.00001, "1e-05"],
    [1.5e-7, "1.5e-07"],
    [-0.05, "-0.05"],
    [123456789.25, "123456789.25"],
    [1e15, "1000000000000000.0"],
    [1e16, "1e+16"],
    [1.7976931348623157e308, "1.7976931348623157e+308"],
    [Infinity, "inf"],
  ];
  for (const [value, text] of cases) expect(pythonFloat(value)).toBe(text);
});

test("JSONL vectors: ids, either key, blank lines and CRLF", () => {
  const read = readVectorsJsonl('{"id": "b", "embedding": [1, 2]}\r\n\r\n{"vector": [3, 4.5], "id": "a"}\n');
  expect(read.vectors).toEqual({ rows: 2, columns: 2, values: Float32Array.of(1, 2, 3, 4.5) });
  expect(read.ids).toEqual(["b", "a"]);
  expect(alignVectors(read, ["a", "b"]).values).toEqual(Float32Array.of(3, 4.5, 1, 2));
  refusal(() => alignVectors(read, ["a", "c"]), "E_REFERENCE", '"c"');
  const nameless = readVectorsJsonl('{"vector": [1]}\n{"vector": [2]}');
  expect(nameless.ids).toBeUndefined();
  expect(alignVectors(nameless, ["x", "y"]).values).toEqual(Float32Array.of(1, 2));
  refusal(() => alignVectors(nameless, ["x"]), "E_REFERENCE", "2 rows without ids for 1");
});

test("J8: a bad row is named by its line; with ids it can be left out", () => {
  const rows = [
    '{"id": "a", "vector": [1, 2]}',
    "",
    '{"id": "b", "vector": [1, }',
    '{"id": "c", "vector": [5, 6]}',
  ].join("\n");
  refusal(() => readVectorsJsonl(rows, "v.jsonl"), "E_JSON", "v.jsonl: line 3, column 27");
  const read = readVectorsJsonl(rows, "v.jsonl", { skipBadRows: true });
  expect(read.ids).toEqual(["a", "c"]);
  expect(read.badRows.map((error) => error.place)).toEqual([{ file: "v.jsonl", line: 3, column: 27 }]);
  const nameless = '{"vector": [1]}\nrubbish';
  refusal(() => readVectorsJsonl(nameless, "v", { skipBadRows: true }), "E_JSON", "line 2");
});

test("rows of other lengths, kinds or with repeated ids are refused with their line", () => {
  refusal(() => readVectorsJsonl('{"vector": [1]}\n{"vector": [1, 2]}'), "E_MISMATCH", "line 2");
  refusal(() => readVectorsJsonl('{"vector": [1, "2"]}'), "E_NUMBER", "line 1", "number 1");
  refusal(() => readVectorsJsonl('{"vector": [1e300]}'), "E_NUMBER");
  refusal(() => readVectorsJsonl('{"vector": [1e999]}'), "E_NUMBER", "line 1, column 13");
  refusal(() => readVectorsJsonl('{"vector": "AAAA"}'), "E_FIELD");
  refusal(() => readVectorsJsonl("[1, 2]"), "E_FIELD");
  refusal(() => readVectorsJsonl('{"vector": [1], "id": 7}'), "E_FIELD", "quotes");
  refusal(() => readVectorsJsonl('{"vector": [1], "id": "a"}\n{"vector": [1]}'), "E_FIELD", "some rows");
  refusal(
    () => readVectorsJsonl('{"vector": [1], "id": "a"}\n{"vector": [1], "id": "a"}'),
    "E_DUPLICATE",
    "line 2",
  );
  refusal(() => readVectorsJsonl("\n\n"), "E_EMPTY");
});
