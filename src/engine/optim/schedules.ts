/** Learning rate of a step, from 0. */
export type Schedule = (step: number) => number;

export interface WarmupOptions {
  readonly peak: number;
  readonly warmupSteps: number;
  readonly totalSteps: number;
}

/**
 * transformers' get_linear_schedule_with_warmup, W warm-up steps of T: peak·i/max(1, W) while i < W, then
 * peak·max(0, (T − i)/max(1, T − W)). With W ≥ 1 the first step has rate 0.
 */
export function warmupLinear({ peak, warmupSteps, totalSteps }: WarmupOptions): Schedule {
  return (step) =>
    step < warmupSteps
      ? peak * (step / Math.max(1, warmupSteps))
      : peak * Math.max(0, (totalSteps - step) / Math.max(1, totalSteps - warmupSteps));
}

/** transformers' get_cosine_schedule_with_warmup (half a wave): peak·max(0, (1 + cos(π·(i − W)/max(1, T − W)))/2) after warm-up. */
export function warmupCosine({ peak, warmupSteps, totalSteps }: WarmupOptions): Schedule {
  return (step) => {
    if (step < warmupSteps) return peak * (step / Math.max(1, warmupSteps));
    const progress = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
    return peak * Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
  };
}
