/** A difference with its interval, as a share (0.16 = 16 points). */
export interface Whisker {
  readonly name: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

const STEPS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];

/** A scale from `left` to `right` px that holds every whisker and zero, with at most 6 round ticks. */
export function whiskerScale(
  whiskers: readonly Whisker[],
  left: number,
  right: number,
): { x: (value: number) => number; ticks: readonly number[] } {
  const low = Math.min(-0.01, ...whiskers.map((whisker) => whisker.low));
  const high = Math.max(0.01, ...whiskers.map((whisker) => whisker.high));
  const step = STEPS.find((size) => (high - low) / size <= 5) ?? 1;
  const first = Math.floor(low / step);
  const last = Math.ceil(high / step);
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step || 0);
  const from = first * step;
  const span = (last - first) * step;
  return { x: (value) => left + ((value - from) / span) * (right - left), ticks };
}
