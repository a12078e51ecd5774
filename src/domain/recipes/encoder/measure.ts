import type { EncoderGround } from "./encoder-ground.ts";
import type { EncoderMeasurement } from "./encoder-run.ts";
import { lossFeedsAt } from "./step-feeds.ts";

const LONG_SECONDS = 30 * 60;
const MUCH_MEMORY = 3.5 * 2 ** 30;

/**
 * Takes steps with a learning rate of 0, which cost what real ones do, and puts everything back. The first one, which may
 * compile, is not counted.
 */
export async function measureSteps(ground: EncoderGround, count: number): Promise<EncoderMeasurement> {
  const { taker, executables, schedule, estimate } = ground;
  const kept = await executables.capture();
  let [seconds, tokens] = [0, 0];
  const wanted = Math.min(count, schedule.total);
  for (let index = 0; index <= wanted; index++) {
    const place = Math.floor((Math.max(0, index - 1) * schedule.total) / wanted);
    const batch = ground.batchAt(place);
    const start = performance.now();
    await taker.run(batch, await lossFeedsAt(ground, batch), {
      learningRate: 0,
      counter: place,
    });
    await taker.collect();
    if (index === 0) continue;
    seconds += (performance.now() - start) / 1000;
    tokens += batch.tokens;
  }
  executables.restore(kept);
  const secondsPerStep = seconds / wanted;
  const trainingTokens = (estimate.tokensPerEpoch / estimate.stepsPerEpoch) * schedule.total;
  const tokensPerSecond = tokens / seconds;
  const looks = ground.heldOut ? 1 + Math.ceil(schedule.total / ground.lookEvery) : 0;
  const lookTokens = (ground.heldOut?.tokens ?? 0) * looks;
  const secondsLeft = (trainingTokens + lookTokens / 3) / tokensPerSecond;
  return {
    secondsPerStep,
    secondsLeft,
    tokensPerSecond,
    flopsPerSecond: estimate.flopsPerEpoch / estimate.stepsPerEpoch / secondsPerStep,
    peakBytes: estimate.peakBytes,
    text: `about ${duration(secondsLeft)} on ${ground.label}`,
    warnings: warningsOf(secondsLeft, estimate.peakBytes),
  };
}

function warningsOf(seconds: number, bytes: number): string[] {
  const warnings: string[] = [];
  if (seconds > LONG_SECONDS) {
    warnings.push(
      `This will take ${duration(seconds)} on this device. LoRA, a shorter maxTokens or fewer epochs take less; ` +
        "it can be paused at any step and goes on where it stood.",
    );
  }
  if (bytes > MUCH_MEMORY) {
    const gigabytes = (bytes / 2 ** 30).toFixed(1);
    warnings.push(
      `A step needs ${gigabytes} GiB. If memory runs out, turn recomputation on, or use a smaller batch.`,
    );
  }
  return warnings;
}

/** "40 s", "4 min", "1.5 h" */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
