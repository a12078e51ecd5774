/** A share in percentage points with its sign, as verdicts say it: −0.0123 → "−1.2". */
export function signedPoints(share: number): string {
  return `${share < 0 ? "−" : "+"}${Math.abs(100 * share).toFixed(1)}`;
}
