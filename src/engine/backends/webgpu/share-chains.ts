import type { LaunchCode } from "./code.ts";

/** Kernels that differ only in the arms of their chain become one: fewer pipelines to compile before the first step. */
export function shareChains(codes: readonly LaunchCode[]): LaunchCode[] {
  const union = new Map<string, { KINDS: number; ACTIVATIONS: number; OPERANDS: number }>();
  const keyOf = ({ kernel, constants }: LaunchCode): string => {
    const { KINDS: _kinds, ACTIVATIONS: _activations, OPERANDS: _operands, ...rest } = constants;
    return `${kernel} ${JSON.stringify(rest)}`;
  };
  for (const code of codes) {
    const { KINDS, ACTIVATIONS = 0, OPERANDS = 0 } = code.constants;
    if (KINDS === undefined) continue;
    const known = union.get(keyOf(code)) ?? { KINDS: 0, ACTIVATIONS: 0, OPERANDS: 0 };
    union.set(keyOf(code), {
      KINDS: known.KINDS | KINDS,
      ACTIVATIONS: known.ACTIVATIONS | ACTIVATIONS,
      OPERANDS: Math.max(known.OPERANDS, OPERANDS),
    });
  }
  return codes.map((code) => ({ ...code, constants: { ...code.constants, ...union.get(keyOf(code)) } }));
}
