import { duration } from "../encoder/measure.ts";
import type { CrossEncoderMeasurement } from "./cross-encoder-job.ts";
import type { PairGround } from "./ground.ts";
import { CROSS_ENCODER_DEFAULTS as DEFAULTS } from "./cross-encoder-job.ts";
import type { PairUnit } from "./pair-batches.ts";

const LONG_SECONDS = 30 * 60;
const BACKWARD = 3; // a step costs about three times what scoring the same tokens does

/**
 * Takes steps with a learning rate of 0, which cost what real ones do, spread over the schedule, and puts everything back.
 * The first one, which may compile, is not counted.
 */
export async function measurePairs(
  { steps, totalSteps, stepsPerEpoch, plan, held }: PairGround,
  unitsAt: (step: number) => readonly PairUnit[],
  count: number,
): Promise<CrossEncoderMeasurement> {
  const kept = await steps.capture();
  const wanted = Math.min(count, totalSteps);
  let [seconds, tokens] = [0, 0];
  for (let index = 0; index <= wanted; index++) {
    const units = unitsAt(Math.floor((Math.max(0, index - 1) * totalSteps) / wanted));
    const start = performance.now();
    await steps.run(units, 0, 0);
    await steps.collect();
    if (index === 0) continue;
    seconds += (performance.now() - start) / 1000;
    tokens += tokensOf(units.flatMap(({ sequences }) => sequences));
  }
  steps.restore(kept);
  const looks = held ? 1 + Math.round(1 / DEFAULTS.lookEvery) : 0;
  const training = (plan.tokens / stepsPerEpoch) * totalSteps;
  const looking = (looks * tokensOf(held?.sequences ?? [])) / BACKWARD;
  const tokensPerSecond = tokens / seconds;
  const secondsLeft = (training + looking) / tokensPerSecond;
  return {
    secondsPerStep: seconds / wanted,
    secondsLeft,
    tokensPerSecond,
    text: `about ${duration(secondsLeft)}`,
    warnings: secondsLeft > LONG_SECONDS ? [tooLong(secondsLeft)] : [],
  };
}

function tokensOf(sequences: readonly { readonly ids: readonly number[] }[]): number {
  return sequences.reduce((sum, { ids }) => sum + ids.length, 0);
}

function tooLong(seconds: number): string {
  return (
    `This will take ${duration(seconds)} on this device. Fewer negatives, a shorter maxTokens or fewer epochs take less; ` +
    "it can be paused at any step and goes on where it stood."
  );
}
