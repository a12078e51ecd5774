// Holm's step-down correction for m tests looked at together: with p₍₁₎ ≤ … ≤ p₍ₘ₎,
//
//   adjusted₍ᵢ₎ = min(1, max_{j ≤ i} (m − j + 1)·p₍ⱼ₎)          (Holm 1979; R's p.adjust(method = "holm"))
//
// Rejecting where adjusted ≤ .05 keeps the chance of any false rejection at 5 %, whatever the tests have in common.
import type { Delta, Verdict } from "./report.ts";

/** Adjusted p values in the order given; each in 0–1. */
export function holm(p: readonly number[]): readonly number[] {
  const order = Array.from(p.keys()).sort((a, b) => p[a]! - p[b]!);
  const adjusted = new Array<number>(p.length);
  let highest = 0;
  for (const [place, index] of order.entries()) {
    highest = Math.max(highest, Math.min(1, (p.length - place) * p[index]!));
    adjusted[index] = highest;
  }
  return adjusted;
}

/** What a difference says beside others: it counts where its interval leaves 0 out and its adjusted p is below .05. */
export function adjustedVerdict(delta: Delta, adjusted: number): Verdict {
  if (adjusted >= 0.05) return "cannot-tell";
  if (delta.low > 0) return "better";
  return delta.high < 0 ? "worse" : "cannot-tell";
}
