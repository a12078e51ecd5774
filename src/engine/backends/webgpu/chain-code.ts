import { ACTIVATION_CODES } from "../../activation.ts";
import { MAX_STEPS, type Broadcast, type BufferId, type Step } from "../../plan.ts";
import { dropThreshold } from "../../random.ts";
import { LARGEST } from "./code.ts";

/** Leading factors of a product, which a matmul kernel applies to its sums, and the steps that are left. */
export interface Factored {
  readonly factor: number;
  readonly buffer: BufferId | undefined; // one value
  readonly rest: readonly Step[];
}

export function leadingFactors(steps: readonly Step[]): Factored {
  const [first, ...others] = steps;
  if (first?.kind === "scale") {
    const inner = leadingFactors(others);
    return { ...inner, factor: inner.factor * first.factor };
  }
  if (first?.kind === "multiply" && first.operand.broadcast === "scalar") {
    const inner = leadingFactors(others);
    if (inner.buffer === undefined) return { ...inner, buffer: first.operand.buffer };
  }
  return { factor: 1, buffer: undefined, rest: steps };
}

/** A chain as the kernels read it: steps for the uniform buffer, operand buffers, and which arms of the kernel it needs. */
export interface ChainCode {
  readonly operands: readonly BufferId[];
  readonly kinds: number; // bit i: step kind i occurs
  readonly activations: number; // bit i: activation i occurs
  readonly leadSlot: number; // operand slot of `lead`
  /** Writes MAX_STEPS steps of 16 bytes from `offset`. */
  write(view: DataView, offset: number): void;
}

/** The numbers that kernels know step kinds by; the order is fixed by the chain in `kernels/*.wgsl`. */
const KIND_CODES = {
  scale: 0,
  add: 1,
  multiply: 2,
  subtract: 3,
  subtractFrom: 4,
  divide: 5,
  divideInto: 6,
  activation: 7,
  activationGradient: 8,
  subtractScaledRows: 9,
  dropout: 10,
  clip: 11,
} as const satisfies Record<Step["kind"], number>;

export const BROADCAST_CODES = { full: 0, row: 1, column: 2, scalar: 3 } as const satisfies Record<
  Broadcast,
  number
>;

const { column: COLUMN, scalar: SCALAR } = BROADCAST_CODES;

export const STEP_BYTES = 16;
export const CHAIN_BYTES = MAX_STEPS * STEP_BYTES;
const NO_SLOT = 255;

/** @param lead a buffer that takes an operand slot of its own, before those of the steps */
export function chainCode(steps: readonly Step[], lead?: BufferId): ChainCode {
  const operands: BufferId[] = lead === undefined ? [] : [lead];
  const slotOf = (buffer: BufferId): number => {
    const known = operands.indexOf(buffer);
    return known >= 0 ? known : operands.push(buffer) - 1;
  };
  const words = steps.map((step) => encodeStep(step, slotOf));
  const kinds = steps.reduce((bits, { kind }) => bits | (1 << KIND_CODES[kind]), 0);
  const activations = steps.reduce(
    (bits, step) => ("activation" in step ? bits | (1 << ACTIVATION_CODES[step.activation]) : bits),
    0,
  );
  return {
    ...{ operands, kinds, activations, leadSlot: lead === undefined ? NO_SLOT : 0 },
    write(view, offset) {
      words.forEach(({ code, choice, factor, seed }, index) => {
        const at = offset + index * STEP_BYTES;
        view.setUint32(at, code, true);
        view.setUint32(at + 4, choice, true);
        view.setFloat32(at + 8, Math.min(factor, LARGEST), true);
        view.setUint32(at + 12, seed, true);
      });
    },
  };
}

interface StepWords {
  readonly code: number;
  readonly choice: number;
  readonly factor: number;
  readonly seed: number;
}

function encodeStep(step: Step, slotOf: (buffer: BufferId) => number): StepWords {
  const none = { choice: 0, factor: 0, seed: 0 };
  const code = (slot = 0, second = 0, broadcast = 0): number =>
    KIND_CODES[step.kind] | (slot << 8) | (second << 12) | (broadcast << 16);
  switch (step.kind) {
    case "scale":
      return { ...none, code: code(), factor: step.factor };
    case "activation":
      return { ...none, code: code(), choice: ACTIVATION_CODES[step.activation] };
    case "activationGradient":
      return { ...none, code: code(slotOf(step.saved)), choice: ACTIVATION_CODES[step.activation] };
    case "subtractScaledRows":
      return { ...none, code: code(slotOf(step.factors), slotOf(step.matrix), COLUMN) };
    case "dropout": {
      const factor = 1 / (1 - step.rate);
      return {
        code: code(slotOf(step.counter), 0, SCALAR),
        choice: dropThreshold(step.rate),
        factor,
        seed: step.seed,
      };
    }
    case "clip":
      return { ...none, code: code(slotOf(step.norm), 0, SCALAR), factor: step.maxNorm };
    default: {
      const { buffer, broadcast } = step.operand;
      return { ...none, code: code(slotOf(buffer), 0, BROADCAST_CODES[broadcast]) };
    }
  }
}
