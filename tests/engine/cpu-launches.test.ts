import { beforeAll, describe, expect, test } from "vitest";
import type { Activation } from "../../src/engine/activation.ts";
import type { Backend } from "../../src/engine/backend.ts";
import type { Broadcast, Launch, MatmulLaunch, Reduction, Step } from "../../src/engine/plan.ts";
import { expectClose, type Tolerance } from "../close.ts";
import { BUILDS, openBuild } from "./cpu-builds.ts";
import { numbers, runLaunch, runTwin, type LaunchBuffers } from "./single-launch.ts";

const ACTIVATIONS: readonly Activation[] = ["relu", "tanh", "sigmoid", "leakyRelu", "gelu"];
const SHAPES = [
  [1, 1],
  [1, 7],
  [5, 1],
  [3, 4],
  [7, 13],
  [2, 300], // past a strip of 256
] as const;

describe.each(BUILDS)("%s kernels equal the float64 twins", (build) => {
  let backend: Backend;
  beforeAll(async () => {
    backend = await openBuild(build);
  });

  /** Runs both; compares all buffers, so that nothing else was written. */
  async function agree(
    launch: Launch,
    buffers: LaunchBuffers,
    tolerance: Tolerance,
    name: string,
  ): Promise<void> {
    const got = await runLaunch(backend, launch, buffers);
    const want = runTwin(launch, buffers);
    got.forEach((values, id) =>
      expectClose(values, Float32Array.from(want[id]!), tolerance, `${name}, buffer ${id}`),
    );
  }

  describe.each(["NT", "NN", "TN", "TT"] as const)("matmul %s", (layout) => {
    test.each([
      [1, 1, 1],
      [1, 5, 3],
      [5, 1, 7],
      [3, 7, 1],
      [4, 8, 16],
      [5, 8, 16],
      [6, 9, 17],
      [7, 13, 33],
      [10, 24, 48],
      [66, 65, 70],
      [11, 19, 1030], // past a block of k
      [2, 4100, 9], // past a chunk of panels
      [9, 3, 12400], // past a block of rows
    ])("%i × %i × %i", async (m, n, k) => {
      const launch = matmulOf(layout, m, n, k, []);
      await agree(
        launch,
        matmulBuffers(launch),
        { absolute: 2e-6 * Math.sqrt(k), relative: 1e-6 },
        "product",
      );
    });

    test("reads and writes matrices inside wider ones", async () => {
      const plain = matmulOf(layout, 7, 10, 11, []);
      const launch = {
        ...plain,
        strideA: plain.strideA + 3,
        strideB: plain.strideB + 5,
        strideOut: plain.strideOut + 2,
      };
      await agree(launch, matmulBuffers(launch), { absolute: 2e-6 }, "product");
    });
  });

  test.each(SHAPES)("what follows a product, at %i × %i", async (rows, columns) => {
    for (const { steps, operands } of chains(rows, columns, 3)) {
      const launch = matmulOf("NT", rows, columns, 5, steps);
      const buffers = [...matmulBuffers(launch), ...operands];
      await agree(launch, buffers, { absolute: 2e-6, relative: 2e-6 }, JSON.stringify(steps));
    }
  });

  test("a product added to the memory it is written to", async () => {
    const steps: Step[] = [{ kind: "add", operand: { buffer: 2, broadcast: "full" } }];
    const launch = matmulOf("TN", 9, 21, 6, steps);
    await agree(
      launch,
      [...matmulBuffers(launch).slice(0, 2), numbers(9 * 21, 5)],
      { absolute: 2e-6 },
      "sum",
    );
  });

  test.each(SHAPES)("chains over values, at %i × %i", async (rows, columns) => {
    for (const { steps, operands } of chains(rows, columns, 2)) {
      const source = { buffer: 0, broadcast: "full" } as const;
      const launch: Launch = { kind: "elementwise", rows, columns, source, out: 1, steps };
      const buffers = [numbers(rows * columns, 1), new Float32Array(rows * columns), ...operands];
      await agree(launch, buffers, { absolute: 1e-6, relative: 2e-6 }, JSON.stringify(steps));
    }
  });

  test.each(["full", "row", "column", "scalar"] as const)(
    "a source that is %s, changed in place or not",
    async (broadcast) => {
      const [rows, columns] = [6, 11];
      const source = { buffer: 0, broadcast };
      const steps: Step[] = [{ kind: "scale", factor: -1.5 }];
      const values = numbers(sizeOf(broadcast, rows, columns), 3);
      const launch: Launch = { kind: "elementwise", rows, columns, source, out: 1, steps };
      await agree(launch, [values, new Float32Array(rows * columns)], { relative: 1e-7 }, "copy");
      if (broadcast === "full") await agree({ ...launch, out: 0 }, [values], { relative: 1e-7 }, "in place");
    },
  );

  test.each(SHAPES)("sums of %i × %i", async (rows, columns) => {
    for (const axis of ["all", "rows", "columns"] as const) {
      for (const variant of [{}, { times: 1 }, { factor: 2 }, { root: true }] as Partial<Reduction>[]) {
        const plain = {
          times: undefined,
          factor: undefined,
          root: false,
          source: 0,
          out: 3,
          at: 2,
          scale: 0.5,
        };
        const launch: Launch = {
          kind: "reduce",
          reductions: [{ axis, rows, columns, ...plain, ...variant }],
        };
        const positive = numbers(rows * columns, 8).map(Math.abs);
        const out = new Float32Array(2 + Math.max(rows, columns));
        const buffers = [positive, numbers(rows * columns, 9), Float32Array.of(-3), out];
        await agree(
          launch,
          buffers,
          { absolute: 1e-6, relative: 2e-6 },
          `${axis} ${JSON.stringify(variant)}`,
        );
      }
    }
  });

  test("rows picked from two tables, f32 and u32, the last for an index past the table", async () => {
    const indices = Uint32Array.of(3, 0, 3, 9, 1);
    const copy = { tableRows: 4, indices: 4, rows: 5 };
    const launch: Launch = {
      kind: "gather",
      copies: [
        { ...copy, table: 0, out: 1, columns: 7, dtype: "f32" },
        { ...copy, table: 2, out: 3, columns: 1, dtype: "u32" },
      ],
    };
    const groups = Uint32Array.of(10, 11, 12, 0xffffffff);
    const buffers = [numbers(28, 1), new Float32Array(35), groups, new Uint32Array(5), indices];
    await agree(launch, buffers, {}, "rows");
  });

  test("rows added to those they came from", async () => {
    const launch: Launch = {
      kind: "scatter",
      source: 0,
      indices: 1,
      out: 2,
      rows: 5,
      tableRows: 4,
      columns: 7,
    };
    const buffers = [numbers(35, 1), Uint32Array.of(2, 0, 2, 8, 2), numbers(28, 4)];
    await agree(launch, buffers, { absolute: 2e-7 }, "table");
  });

  test.each(SHAPES)("row lengths of %i × %i, a row of zeros among them", async (rows, columns) => {
    const x = numbers(rows * columns, 6);
    if (rows > 1) x.fill(0, columns, 2 * columns);
    const sizes = { rows, columns, source: 0 };
    const out = new Float32Array(rows * columns);
    await agree({ kind: "rowNormalize", ...sizes, out: 1 }, [x, out], { absolute: 3e-7 }, "unit rows");
    const gradient: Launch = { kind: "rowNormalizeGradient", ...sizes, upstream: 1, out: 2 };
    // a single column has the gradient 0 as a difference of two numbers near 1/|x|
    await agree(
      gradient,
      [x, numbers(rows * columns, 7), out],
      { absolute: 3e-5, relative: 2e-6 },
      "gradient",
    );
  });

  describe("softmax cross-entropy of rows", () => {
    test.each([1, 3, 4, 5, 9, 130])("of %i columns, every variant", async (columns) => {
      for (const normalized of [false, true]) {
        for (const multi of [false, true]) {
          for (const grouped of [false, true]) {
            const { launch, buffers } = softmaxCase(columns, normalized, multi, grouped);
            const name = JSON.stringify({ normalized, multi, grouped });
            await agree(launch, buffers, { absolute: 4e-6, relative: 4e-6 }, name);
          }
        }
      }
    });

    test("without gradients", async () => {
      const { launch, buffers } = softmaxCase(9, false, false, true);
      await agree({ ...launch, coefficients: undefined }, buffers, { absolute: 4e-6 }, "loss");
    });

    test("stays exact where the positive is certain or hopeless", async () => {
      const { launch, buffers } = softmaxCase(5, false, false, false);
      const logits = new Float32Array(buffers[0]!.length).fill(-4);
      logits[0] = 4; // loss of row 0 near e^-160, of the others near 160
      await agree(launch, [logits, ...buffers.slice(1)], { absolute: 1e-6, relative: 2e-6 }, "loss");
    });
  });

  test("partial sums of squares, the last chunk short and one beyond the end", async () => {
    const launch: Launch = { kind: "sumSquares", source: 0, elements: 133, chunk: 64, count: 4, partials: 1 };
    await agree(launch, [numbers(133, 2), numbers(4, 3)], { relative: 2e-6 }, "partials");
  });

  describe("adamw", () => {
    test("moves every segment by its own decay and nothing between them", async () => {
      const { launch, buffers } = adamwCase(0.5);
      await agree(launch, buffers, { absolute: 1e-7, relative: 2e-6 }, "clipped");
      const loose = adamwCase(Infinity);
      await agree(loose.launch, loose.buffers, { absolute: 1e-7, relative: 2e-6 }, "not clipped");
    });

    test.each([NaN, Infinity, -Infinity])("touches nothing when the squares sum to %d", async (bad) => {
      const { launch, buffers } = adamwCase(0.5);
      const broken = buffers.map((values, id) => (id === 6 ? Float32Array.of(1, bad) : values));
      const got = await runLaunch(backend, launch, broken);
      for (const id of [0, 1, 2]) expectClose(got[id]!, broken[id]!, {}, `buffer ${id}`);
      expect(got[7]![0]).toBe(1);
    });
  });

  test("gives the same bits when it runs again", async () => {
    const launch = matmulOf("NN", 37, 53, 71, [{ kind: "activation", activation: "gelu" }]);
    const once = await runLaunch(backend, launch, matmulBuffers(launch));
    const again = await runLaunch(backend, launch, matmulBuffers(launch));
    expect(new Uint32Array(again[2]!.buffer)).toEqual(new Uint32Array(once[2]!.buffer));
  });

  test("gives a row the same bits whatever batch it came in", async () => {
    for (const layout of ["NT", "NN"] as const) {
      const all = matmulOf(layout, 13, 22, 40, []);
      const buffers = matmulBuffers(all);
      const whole = await runLaunch(backend, all, buffers);
      for (const rows of [1, 2, 3, 4, 6]) {
        const part = await runLaunch(backend, { ...all, m: rows }, buffers);
        expect([...part[2]!.subarray(0, rows * 22)]).toEqual([...whole[2]!.subarray(0, rows * 22)]);
      }
    }
  });
});

function matmulOf(
  layout: MatmulLaunch["layout"],
  m: number,
  n: number,
  k: number,
  steps: readonly Step[],
): MatmulLaunch {
  const strideA = layout.startsWith("N") ? k : m;
  const strideB = layout.endsWith("N") ? n : k;
  return { kind: "matmul", layout, m, n, k, a: 0, strideA, b: 1, strideB, out: 2, strideOut: n, steps };
}

function matmulBuffers({ layout, m, n, k, strideA, strideB, strideOut }: MatmulLaunch): Float32Array[] {
  const [rowsA, rowsB] = [layout.startsWith("N") ? m : k, layout.endsWith("N") ? k : n];
  return [numbers(rowsA * strideA, 1), numbers(rowsB * strideB, 2), new Float32Array(m * strideOut)];
}

function sizeOf(broadcast: Broadcast, rows: number, columns: number): number {
  return { full: rows * columns, row: columns, column: rows, scalar: 1 }[broadcast];
}

interface Chain {
  readonly steps: readonly Step[];
  readonly operands: LaunchBuffers; // from buffer `first` on
}

/** Every kind of step in every broadcast, alone, and one long chain. */
function chains(rows: number, columns: number, first: number): Chain[] {
  const full = (seed: number): Float32Array => numbers(rows * columns, seed);
  const combined = (["add", "multiply", "subtract", "subtractFrom", "divide", "divideInto"] as const).flatMap(
    (kind) =>
      (["full", "row", "column", "scalar"] as const).map((broadcast): Chain => {
        const operand = numbers(sizeOf(broadcast, rows, columns), 4).map((x) => x + Math.sign(x));
        const steps: Step[] = [{ kind, operand: { buffer: first, broadcast } }];
        if (kind === "divideInto") steps.unshift({ kind: "activation", activation: "sigmoid" });
        return { steps, operands: [operand] };
      }),
  );
  const activations = ACTIVATIONS.flatMap((activation): Chain[] => [
    { steps: [{ kind: "activation", activation }], operands: [] },
    { steps: [{ kind: "activationGradient", activation, saved: first }], operands: [full(5)] },
  ]);
  const others: Chain[] = [
    { steps: [], operands: [] },
    { steps: [{ kind: "scale", factor: 0.3 }], operands: [] },
    { steps: [{ kind: "clip", norm: first, maxNorm: 0.5 }], operands: [Float32Array.of(2)] },
    { steps: [{ kind: "clip", norm: first, maxNorm: 5 }], operands: [Float32Array.of(2)] },
    { steps: [{ kind: "dropout", rate: 0.4, seed: 11, counter: first }], operands: [Uint32Array.of(5)] },
    {
      steps: [{ kind: "subtractScaledRows", factors: first, matrix: first + 1 }],
      operands: [numbers(rows, 6), full(7)],
    },
    {
      steps: [
        { kind: "add", operand: { buffer: first, broadcast: "row" } },
        { kind: "activation", activation: "tanh" },
        { kind: "multiply", operand: { buffer: first + 1, broadcast: "scalar" } },
        { kind: "add", operand: { buffer: first + 2, broadcast: "full" } },
      ],
      operands: [numbers(columns, 8), Float32Array.of(0.7), full(9)],
    },
  ];
  return [...combined, ...activations, ...others];
}

function softmaxCase(columns: number, normalized: boolean, multi: boolean, grouped: boolean) {
  const [rows, width] = [Math.min(columns, 6), 7];
  const stride = Math.ceil(columns / 4) * 4;
  const queries = numbers(rows * width, 3);
  if (rows > 2) queries.fill(0, width, 2 * width);
  const positives = Uint32Array.from({ length: rows * 2 }, (_, at) => {
    const row = at >> 1;
    if (at % 2 === 0) return rows > 3 && row === 3 ? 0xffffffff : row;
    return row + 1 < columns && row % 2 === 0 ? row + 1 : 0xffffffff;
  });
  const groups = Uint32Array.from({ length: columns }, (_, column) =>
    column % 4 === 3 ? 0xffffffff : column % 3,
  );
  const buffers = [
    numbers(rows * stride, 1),
    queries,
    positives,
    Uint32Array.from({ length: rows }, (_, row) => row % 3),
    groups,
    new Float32Array(rows),
    numbers(rows * stride, 2),
    new Float32Array(rows),
  ];
  const launch = {
    kind: "softmaxRows",
    rows,
    columns,
    stride,
    scale: 20,
    logits: 0,
    queries: normalized ? { buffer: 1, width, beta: 7 } : undefined,
    positives: multi ? { buffer: 2, perRow: 2 } : undefined,
    groups: grouped ? { rows: 3, columns: 4 } : undefined,
    loss: 5,
    coefficients: 6,
  } as const satisfies Launch;
  return { launch, buffers };
}

function adamwCase(maxNorm: number) {
  const elements = 256;
  const moments = numbers(2 * elements, 3).map((x, index) => (index < elements ? x : Math.abs(x)));
  const buffers = [
    numbers(elements, 1),
    numbers(elements, 2),
    moments,
    Float32Array.of(0.01),
    Float32Array.of(1 / (1 - 0.9 ** 3)),
    Float32Array.of(1 / (1 - 0.999 ** 3)),
    Float32Array.of(3, 4),
    new Float32Array(4),
    Float32Array.of(0.5, 0.25, 2),
  ];
  const launch = {
    kind: "adamw",
    weights: 0,
    gradients: 1,
    moments: 2,
    elements,
    segments: [
      { name: "a", offset: 0, elements: 3, weightDecay: 0.01 },
      { name: "b", offset: 64, elements: 69, weightDecay: 0 },
      { name: "c", offset: 192, elements: 1, weightDecay: 0.1 },
    ],
    betas: [0.9, 0.999],
    epsilon: 1e-8,
    learningRate: 3,
    corrections: [4, 5],
    partials: 6,
    partialCount: 2,
    maxNorm,
    log: 7,
    normAt: 1,
    loss: { rows: 8, count: 3, scale: 1 / 3, at: 2 },
  } as const satisfies Launch;
  return { launch, buffers };
}
