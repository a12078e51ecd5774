import { warmupLinear, type Schedule } from "../../../engine/optim/schedules.ts";
import { compatibleEpoch, neighbourEpoch, type QuestionBatch } from "./batches.ts";
import type { ResolvedSettings } from "./defaults.ts";
import type { EncoderSet } from "./encoder-set.ts";

/** Which batch stands at which place of a run: a pure function of (data, settings), so that nothing of it is saved. */
export class BatchSchedule {
  readonly total: number; // batches of all epochs
  readonly stepsPerEpoch: number; // of the first epoch; later ones may differ by a few
  readonly rateAt: Schedule;
  readonly #starts: readonly number[]; // first place of each epoch
  readonly #make: (epoch: number) => readonly QuestionBatch[];
  #epoch: { readonly index: number; readonly batches: readonly QuestionBatch[] } | undefined;

  constructor(set: EncoderSet, settings: ResolvedSettings) {
    const { mode, batchSize, epochs, seed, learningRate, warmup } = settings;
    this.#make = (epoch) =>
      mode === "compatible" ? compatibleEpoch(set, batchSize) : neighbourEpoch(set, batchSize, epoch, seed);
    const starts: number[] = [];
    let total = 0;
    for (let epoch = 0; epoch < epochs; epoch++) {
      starts.push(total);
      total += this.#make(epoch).length;
    }
    this.#starts = starts;
    this.total = total;
    this.stepsPerEpoch = starts[1] ?? total;
    const warmupSteps = Math.floor(total * warmup); // LlamaIndex: int(steps · 0.1)
    this.rateAt = warmupLinear({ peak: learningRate, warmupSteps, totalSteps: total });
  }

  /** The batch at place `place` (from 0) and its epoch. */
  at(place: number): { readonly batch: QuestionBatch; readonly epoch: number } {
    let epoch = 0;
    while (epoch + 1 < this.#starts.length && this.#starts[epoch + 1]! <= place) epoch++;
    if (this.#epoch?.index !== epoch) this.#epoch = { index: epoch, batches: this.#make(epoch) };
    return { batch: this.#epoch.batches[place - this.#starts[epoch]!]!, epoch };
  }
}
