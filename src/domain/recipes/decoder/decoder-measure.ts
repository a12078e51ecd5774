import { duration } from "../encoder/measure.ts";
import type { DecoderGround } from "./decoder-ground.ts";
import { tokensOf } from "./decoder-layout.ts";
import type { DecoderMeasurement } from "./decoder-run.ts";

const LONG_SECONDS = 30 * 60;
const MUCH_MEMORY = 3.5 * 2 ** 30;
const LOOK_SHARE = 0.3; // of what a token costs in training: forward alone

/**
 * Takes steps with a learning rate of 0, which cost what real ones do, and puts everything back. The first one, which may compile, is
 * not counted.
 */
export async function measureSteps(ground: DecoderGround, count: number): Promise<DecoderMeasurement> {
  const { steps, executables, estimate } = ground;
  const { schedule } = ground.layout;
  const kept = await executables.capture();
  let [seconds, tokens] = [0, 0];
  const wanted = Math.min(count, schedule.total);
  for (let index = 0; index <= wanted; index++) {
    const place = Math.floor((Math.max(0, index - 1) * schedule.total) / wanted);
    const { batches } = schedule.at(place);
    const start = performance.now();
    await steps.run(batches, { learningRate: 0, place });
    await steps.collect();
    if (index === 0) continue;
    seconds += (performance.now() - start) / 1000;
    tokens += batches.reduce((sum, batch) => sum + tokensOf(batch), 0);
  }
  executables.restore(kept);
  const [secondsPerStep, tokensPerSecond] = [seconds / wanted, tokens / seconds];
  const lookTokens = estimate.lookTokens * estimate.looks * LOOK_SHARE;
  const secondsLeft = (estimate.tokens + lookTokens) / tokensPerSecond;
  return {
    ...{ secondsPerStep, secondsLeft, tokensPerSecond },
    flopsPerSecond: (estimate.flops / estimate.tokens) * tokensPerSecond,
    peakBytes: estimate.memory.total,
    text: `about ${duration(secondsLeft)} on ${ground.label}`,
    warnings: warningsOf(secondsLeft, estimate.memory.total),
  };
}

function warningsOf(seconds: number, bytes: number): string[] {
  const warnings: string[] = [];
  if (seconds > LONG_SECONDS) {
    warnings.push(
      `This will take ${duration(seconds)} on this device. A smaller model, fewer rows or layers, or shorter rows take less; it can ` +
        "be paused at any step and goes on where it stood.",
    );
  }
  if (bytes > MUCH_MEMORY) {
    const gigabytes = (bytes / 2 ** 30).toFixed(1);
    warnings.push(
      `A step needs ${gigabytes} GiB. If memory runs out, keep the base in q8 or q4, turn recomputation on, or use smaller batches.`,
    );
  }
  return warnings;
}
