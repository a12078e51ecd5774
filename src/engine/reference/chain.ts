import { LEAKY_SLOPE, type Activation } from "../activation.ts";
import type { Operand, Step } from "../plan.ts";
import { dropThreshold, keeps } from "../random.ts";
import { erf } from "./erf.ts";

/** Values of a buffer by its id; reads only. */
export type Reader = (buffer: number) => ArrayLike<number>;

/** The twin of every chain, in kernels/elementwise.wgsl and the matmul epilogues: one value through all steps. */
export function applySteps(
  steps: readonly Step[],
  start: number,
  row: number,
  column: number,
  columns: number,
  read: Reader,
): number {
  return steps.reduce((value, step) => applyStep(step, value, { row, column, columns, read }), start);
}

interface Place {
  readonly row: number;
  readonly column: number;
  readonly columns: number;
  readonly read: Reader;
}

function applyStep(step: Step, value: number, { row, column, columns, read }: Place): number {
  const at = row * columns + column;
  switch (step.kind) {
    case "scale":
      return value * step.factor;
    case "activation":
      return activationOf(step.activation, value);
    case "activationGradient":
      return value * activationDerivative(step.activation, read(step.saved)[at]!);
    case "subtractScaledRows":
      return value - read(step.factors)[row]! * read(step.matrix)[at]!;
    case "dropout": {
      const kept = keeps(at, read(step.counter)[0]!, step.seed, dropThreshold(step.rate));
      return kept ? value / (1 - step.rate) : 0;
    }
    case "clip":
      return value * Math.min(1, step.maxNorm / (read(step.norm)[0]! + 1e-6));
    default:
      return combine(step.kind, value, readOperand(step.operand, row, column, columns, read));
  }
}

type Combination = "add" | "multiply" | "subtract" | "subtractFrom" | "divide" | "divideInto";

function combine(kind: Combination, value: number, operand: number): number {
  switch (kind) {
    case "add":
      return value + operand;
    case "multiply":
      return value * operand;
    case "subtract":
      return value - operand;
    case "subtractFrom":
      return operand - value;
    case "divide":
      return value / operand;
    case "divideInto":
      return operand / value;
    default:
      return kind satisfies never;
  }
}

export function readOperand(
  { buffer, broadcast }: Operand,
  row: number,
  column: number,
  columns: number,
  read: Reader,
): number {
  const values = read(buffer);
  switch (broadcast) {
    case "full":
      return values[row * columns + column]!;
    case "row":
      return values[column]!;
    case "column":
      return values[row]!;
    case "scalar":
      return values[0]!;
    default:
      return broadcast satisfies never;
  }
}

export function activationOf(activation: Activation, x: number): number {
  switch (activation) {
    case "relu":
      return Math.max(x, 0);
    case "tanh":
      return Math.tanh(x);
    case "sigmoid":
      return 1 / (1 + Math.exp(-x));
    case "leakyRelu":
      return x > 0 ? x : LEAKY_SLOPE * x;
    case "gelu":
      return 0.5 * x * (1 + erf(x * Math.SQRT1_2));
    case "exp":
      return Math.exp(x);
    case "log":
      return Math.log(x);
    case "sqrt":
      return Math.sqrt(x);
    case "softplus":
      return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
    case "silu":
      return x / (1 + Math.exp(-x));
    default:
      return activation satisfies never;
  }
}

/** f′ from what is saved: f's result y; for gelu (f′ = Φ(x) + x·φ(x)), log, softplus and silu its argument x. */
export function activationDerivative(activation: Activation, saved: number): number {
  switch (activation) {
    case "relu":
      return saved > 0 ? 1 : 0;
    case "tanh":
      return 1 - saved * saved;
    case "sigmoid":
      return saved * (1 - saved);
    case "leakyRelu":
      return saved > 0 ? 1 : LEAKY_SLOPE;
    case "gelu": {
      const density = Math.exp(-0.5 * saved * saved) / Math.sqrt(2 * Math.PI);
      return 0.5 * (1 + erf(saved * Math.SQRT1_2)) + saved * density;
    }
    case "exp":
      return saved;
    case "log":
      return 1 / saved;
    case "sqrt":
      return 0.5 / saved;
    case "softplus":
      return 1 / (1 + Math.exp(-saved));
    case "silu": {
      const gate = 1 / (1 + Math.exp(-saved));
      return gate * (1 + saved * (1 - gate));
    }
    default:
      return activation satisfies never;
  }
}
