import { expect, test } from "vitest";
import { encoderData, requiredEncoderData } from "../../../src/app/jobs/encoder-data.ts";
import { rerankTrainingSet } from "../../../src/app/jobs/judge-tuned.ts";
import type { Dataset } from "../../../src/domain/data/dataset.ts";
import type { Matrix } from "../../../src/domain/matrix.ts";

const dataset: Dataset = {
  queries: [
    { id: "q1", text: "how many dogs", relevant: [{ passage: "p1", grade: 1 }] },
    { id: "q2", text: "how many foxes", relevant: [{ passage: "p2", grade: 1 }] },
  ],
  passages: ["dogs", "foxes", "robots"].map((text, index) => ({ id: `p${index + 1}`, text })),
};
const first = (): Matrix => ({ rows: 2, columns: 3, values: Float32Array.from([3, 2, 1, 1, 3, 2]) });
const unasked = (): Matrix => {
  throw new Error("nothing was to be mined");
};
const pair = (query: string, context: string, score: number) => ({ query, context, score });

test("negatives are mined where they are asked for or a triplet needs them, and never a right passage", () => {
  expect(encoderData(dataset, unasked, [], { seed: 0 }).data).toEqual({ dataset });
  const none = { loss: { kind: "mnrl" }, negativesPerQuestion: 0, seed: 0 } as const;
  expect(encoderData(dataset, unasked, [], none).data).toEqual({ dataset });
  const two = encoderData(dataset, first, [], { negativesPerQuestion: 2, seed: 0 }).data.negatives!;
  expect([...two["q1"]!].sort()).toEqual(["p2", "p3"]);
  expect([...two["q2"]!].sort()).toEqual(["p1", "p3"]);
  const triplet = encoderData(dataset, first, [], { loss: { kind: "triplet" }, seed: 0 }).data.negatives!;
  expect(triplet["q1"]).toHaveLength(1);
});

test("a question's own negatives are trained on in place of mined ones, and others are mined only where asked for", () => {
  const [first1, second] = dataset.queries;
  const own: Dataset = { ...dataset, queries: [{ ...first1!, negatives: ["p3"] }, second!] };
  expect(encoderData(own, unasked, [], { seed: 0 }).data.negatives).toEqual({ q1: ["p3"], q2: [] });
  expect(encoderData(own, unasked, [], { negativesPerQuestion: 0, seed: 0 }).data).toEqual({ dataset: own });
  const two = encoderData(own, first, [], { negativesPerQuestion: 2, seed: 0 }).data.negatives!;
  expect(two["q1"]).toEqual(["p3"]);
  expect([...two["q2"]!].sort()).toEqual(["p1", "p3"]);
  const whole = { ...own, queries: own.queries.map((query) => ({ ...query, negatives: ["p3"] })) };
  const triplet = { loss: { kind: "triplet" }, seed: 0 } as const;
  expect(encoderData(whole, unasked, [], triplet).data.negatives).toEqual({ q1: ["p3"], q2: ["p3"] });
});

test("a re-ranker learns from a question's own negatives and mines for the others alone", () => {
  const queries = dataset.queries.map((query) => ({ ...query, negatives: ["p3"] }));
  const kinds = (given: Dataset, search: () => Matrix) =>
    rerankTrainingSet(given, search, [], 0).queries.map(({ candidates }) =>
      candidates.map(({ kind }) => kind),
    );
  expect(kinds({ ...dataset, queries }, unasked)).toEqual([
    ["positive", "given"],
    ["positive", "given"],
  ]);
  const [own, mined] = kinds({ ...dataset, queries: [queries[0]!, dataset.queries[1]!] }, first);
  expect(own).toEqual(["positive", "given"]);
  expect(mined!.slice(1).every((kind) => kind === "mined")).toBe(true);
});

test("a taught loss gets a teacher's scores by id, and the scored wrong passages best first", () => {
  const pairs = [
    pair("how many dogs", "robots", -4),
    pair("how many dogs ", "dogs", 7.5),
    pair("how many dogs", "foxes", 2),
    pair("of no dataset", "dogs", 1),
  ];
  const { data, notes } = requiredEncoderData(dataset, unasked, pairs, {
    loss: { kind: "margin-mse" },
    seed: 0,
  });
  expect(data.teacher).toEqual({ q1: { p1: 7.5, p2: 2, p3: -4 } });
  expect(data.negatives).toEqual({ q1: ["p2", "p3"], q2: [] });
  expect(notes[0]).toMatch(/1 of 2 training questions have both/);
});

test.each([
  ["no pairs", []],
  ["labels instead of logits", [pair("how many dogs", "dogs", 1), pair("how many dogs", "foxes", 0)]],
  ["no wrong passage scored", [pair("how many dogs", "dogs", 9)]],
])("a taught loss with %s says what to import, and does not train", (_, pairs) => {
  const settings = { loss: { kind: "kl-distillation" }, seed: 0 } as const;
  const { gap } = encoderData(dataset, unasked, pairs, settings);
  expect(gap).toMatchObject({ blocks: true });
  expect(gap!.text).toMatch(/import \{query, context, score\}/);
  expect(() => requiredEncoderData(dataset, unasked, pairs, settings)).toThrow(/^KL distillation learns/);
});
