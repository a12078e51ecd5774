import type { Backend, Executable } from "../../src/engine/backend.ts";
import { openReference } from "../../src/engine/backends/reference.ts";
import { compile } from "../../src/engine/compile.ts";
import { elementCount } from "../../src/engine/graph.ts";
import { expectClose } from "../close.ts";
import { traceEncoderStep, type EncoderShape } from "./encoder-step.ts";
import { randomValues } from "./fixtures.ts";

const TINY: EncoderShape = {
  ...{ layers: 2, width: 32, hidden: 64, heads: 4, words: 50, rows: 40, pairs: 3, longest: 12 },
};

/** Whole training steps that every backend must take as the float64 twins do. */
export const ENCODER_STEPS: readonly (readonly [string, EncoderShape])[] = [
  ["all weights", TINY],
  ["dropout and recomputed layers", { ...TINY, dropout: 0.1, recompute: "layers" }],
  ["recomputed gelu", { ...TINY, recompute: "gelu" }],
  ["all but the last layer frozen", { ...TINY, frozen: true }],
];

/** Six sequences, three questions and three documents, with four rows of none at the end. */
function feedsOf({ rows, words }: EncoderShape): Record<string, Uint32Array> {
  const ends = [3, 8, 20, 24, 33, 36];
  const first = (row: number): number => ends.findLast((end) => end <= row) ?? 0;
  const rowsOf = (value: (row: number) => number): Uint32Array =>
    Uint32Array.from({ length: rows }, (_, row) => value(row));
  return {
    ids: rowsOf((row) => (row * 13) % words),
    positions: rowsOf((row) => (row < 36 ? row - first(row) : 0)),
    ranges: Uint32Array.from({ length: 2 * rows }, (_, at) => {
      const row = at >> 1;
      if (row >= 36) return 0;
      return at % 2 === 0 ? first(row) : ends.find((end) => end > row)!;
    }),
    queries: Uint32Array.of(0, 3, 8),
    documents: Uint32Array.of(20, 24, 33),
  };
}

/** Three steps on `backend` and by the twins: losses, norms and weights agree. */
export async function expectAgreement(backend: Backend, shape: EncoderShape): Promise<void> {
  const open = (on: Backend): Promise<Executable> => compile(on, (graph) => traceEncoderStep(graph, shape));
  const [tested, twin] = await Promise.all([open(backend), open(openReference())]);
  for (const [index, [name, count]] of sizes(tested, shape).entries()) {
    const values = randomValues(count, 300 + index).map((value) => value * (name.includes("γ") ? 1 : 0.3));
    for (const executable of [tested, twin]) executable.write(name, values);
  }
  for (let step = 0; step < 3; step++) {
    const counter = shape.dropout === undefined ? {} : { counter: Uint32Array.of(step) };
    for (const executable of [tested, twin])
      executable.run({ ...feedsOf(shape), ...counter, learningRate: 1e-3 });
  }
  const [got, want] = [await tested.log(), await twin.log()];
  for (const name of ["loss", "norm"]) {
    expectClose(
      got.map((row) => row[name]!),
      want.map((row) => row[name]!),
      { relative: 1e-4 },
      name,
    );
  }
  for (const name of Object.keys(tested.layout.parameters)) {
    // Adam's first steps have the size of the rate whatever the gradient: one near 0 may go either way, and that of a
    // key's bias is 0 but for rounding (it shifts all scores of a row alike)
    const absolute = name.endsWith(" k b") ? 6e-3 : 3e-4;
    expectClose(await tested.read(name), await twin.read(name), { absolute, relative: 1e-3 }, name);
  }
  await tested.settle();
  tested.dispose();
}

/** Names and sizes of parameters and of frozen weights. */
function sizes(executable: Executable, shape: EncoderShape): readonly (readonly [string, number])[] {
  const trained = Object.entries(executable.layout.parameters).map(
    ([name, { shape: size }]) => [name, elementCount(size)] as const,
  );
  return [...trained, ...(shape.frozen ? frozenSizes(shape) : [])];
}

function frozenSizes({ layers, width, hidden, words, longest }: EncoderShape): [string, number][] {
  const of = (layer: number): [string, number][] => [
    ...["q", "k", "v", "out"].map((part): [string, number] => [`layer ${layer} ${part} w`, width * width]),
    ...["q", "k", "v", "out", "down"].map((part): [string, number] => [`layer ${layer} ${part} b`, width]),
    ...["up", "down"].map((part): [string, number] => [`layer ${layer} ${part} w`, width * hidden]),
    [`layer ${layer} up b`, hidden],
    ...["first γ", "first β", "second γ", "second β"].map((part): [string, number] => [
      `layer ${layer} ${part}`,
      width,
    ]),
  ];
  const frozen = Array.from({ length: layers - 1 }, (_, layer) => of(layer)).flat();
  return [
    ["words", words * width],
    ["positions table", longest * width],
    ["norm γ", width],
    ["norm β", width],
    ...frozen,
  ];
}
