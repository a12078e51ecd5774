import type { DecoderRun, TrainedDecoder } from "../../src/domain/recipes/decoder/decoder-run.ts";
import { ProgressLine } from "../ports/progress.ts";

/** Trains to the end with one line of progress. */
export async function pullDecoder(run: DecoderRun): Promise<TrainedDecoder> {
  const line = new ProgressLine("training");
  const steps = run.steps();
  let looked = "";
  for (;;) {
    const { value, done } = await steps.next();
    if (done) {
      line.finish(`${value.losses.length} steps`);
      return value;
    }
    if (value.look) looked = `, held out ${value.look.loss.toFixed(4)}`;
    line.show({
      done: value.step,
      total: value.totalSteps,
      label: `loss ${value.loss.toFixed(4)}${looked}`,
    });
  }
}
