import { ACTIVATION_CODES } from "../activation.ts";
import type { BufferId, Operand, Step } from "../plan.ts";
import { dropThreshold } from "../random.ts";

/** Words of a step as src/engine/wasm/assembly/chain.ts reads them. */
const STEP_WORDS = 8;
const OPERATION = {
  add: 0,
  multiply: 1,
  subtract: 2,
  subtractFrom: 3,
  divide: 4,
  divideInto: 5,
  scale: 6,
  subtractScaledRows: 7,
  dropout: 8,
  clip: 9,
  activation: 16,
  activationGradient: 32,
} as const satisfies Record<Step["kind"], number>;

export const BROADCAST_CODES = { full: 0, row: 1, column: 2, scalar: 3 } as const satisfies Record<
  Operand["broadcast"],
  number
>;

type AddressOf = (buffer: BufferId) => number;

/** What one step compiles to; the constant is f32, the rest u32. */
interface EncodedStep {
  readonly operation: number;
  readonly broadcast?: number;
  readonly operand?: number;
  readonly constant?: number;
  readonly second?: number;
  readonly seed?: number;
}

function encodeStep(step: Step, address: AddressOf): EncodedStep {
  const operation = OPERATION[step.kind];
  switch (step.kind) {
    case "scale":
      return { operation, constant: step.factor };
    case "activation":
      return { operation: operation + ACTIVATION_CODES[step.activation] };
    case "activationGradient":
      return { operation: operation + ACTIVATION_CODES[step.activation], operand: address(step.saved) };
    case "subtractScaledRows":
      return { operation, operand: address(step.matrix), second: address(step.factors) };
    case "dropout": {
      const { rate, seed, counter } = step;
      const dropping = { constant: 1 / (1 - rate), second: dropThreshold(rate), seed };
      return { operation, broadcast: BROADCAST_CODES.scalar, operand: address(counter), ...dropping };
    }
    case "clip": {
      const { norm, maxNorm } = step;
      return { operation, broadcast: BROADCAST_CODES.scalar, operand: address(norm), constant: maxNorm };
    }
    default: {
      const { buffer, broadcast } = step.operand;
      return { operation, broadcast: BROADCAST_CODES[broadcast], operand: address(buffer) };
    }
  }
}

/** The words of a chain over results with `columns` columns: STEP_WORDS for each step. */
export function encodeChain(steps: readonly Step[], columns: number, address: AddressOf): Uint32Array {
  const words = new Uint32Array(steps.length * STEP_WORDS);
  const floats = new Float32Array(words.buffer);
  steps.forEach((step, index) => {
    const at = index * STEP_WORDS;
    const encoded = encodeStep(step, address);
    words[at] = encoded.operation;
    words[at + 1] = encoded.broadcast ?? BROADCAST_CODES.full;
    words[at + 2] = encoded.operand ?? 0;
    words[at + 3] = columns * Float32Array.BYTES_PER_ELEMENT;
    floats[at + 4] = encoded.constant ?? 0;
    words[at + 5] = encoded.second ?? 0;
    words[at + 6] = encoded.seed ?? 0;
  });
  return words;
}

/** Whether no step looks at the row or column of a value, so that a matrix may be walked as one long row. */
export function ignoresShape(steps: readonly Step[]): boolean {
  return steps.every((step) => {
    if ("operand" in step) return step.operand.broadcast === "full" || step.operand.broadcast === "scalar";
    return step.kind !== "subtractScaledRows";
  });
}

/** Buffers that steps read at or near the position of the result. */
export function operandsOf(steps: readonly Step[]): readonly BufferId[] {
  return steps.flatMap((step) => {
    if (step.kind === "activationGradient") return [step.saved];
    if (step.kind === "subtractScaledRows") return [step.matrix, step.factors];
    return "operand" in step ? [step.operand.buffer] : [];
  });
}
