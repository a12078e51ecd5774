import type { TokenMask } from "./sampling.ts";

/** What holds one answer to a schema or grammar while it grows. */
export interface AnswerConstraint {
  /** The ids that may come next. */
  mask(): Promise<TokenMask>;
  /** Takes the id that was picked, one of those that `mask` allows. */
  accept(id: number): void;
  dispose(): void;
}

/** The one id that a mask allows; undefined where there are several. */
export function onlyAllowed(mask: TokenMask): number | undefined {
  let only: number | undefined;
  for (let word = 0; word < mask.length; word++) {
    const bits = mask[word]! >>> 0;
    if (bits === 0) continue;
    if (only !== undefined || (bits & (bits - 1)) !== 0) return undefined;
    only = 32 * word + 31 - Math.clz32(bits);
  }
  return only;
}
