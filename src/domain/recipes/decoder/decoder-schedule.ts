// Which rows stand in which batch of a run: a pure function of (rows, settings), so that nothing of it is saved. An optimizer step
// takes `accumulate` batches one after the other; the last step of an epoch takes what is left.
import { warmupLinear, type Schedule } from "../../../engine/optim/schedules.ts";
import { batchPlan } from "../../chat/batch-plan.ts";
import type { SupervisedSequence } from "../../models/llama/supervision.ts";
import { CounterRandom } from "../../random.ts";
import type { ResolvedDecoderSettings } from "./decoder-defaults.ts";

/** The rows of one batch. */
export type RowBatch = readonly SupervisedSequence[];

const EPOCH_STREAM = 4096; // of the run's generator, and those after it
const REPLAY_STREAM = 1 << 20;

export class DecoderSchedule {
  readonly total: number; // optimizer steps
  readonly stepsPerEpoch: number; // of the first epoch; later ones may differ by a few where rows are packed
  readonly replayRows: number; // of an epoch
  readonly rateAt: Schedule;
  readonly #rows: readonly SupervisedSequence[];
  readonly #replay: readonly SupervisedSequence[];
  readonly #settings: ResolvedDecoderSettings;
  readonly #starts: readonly number[]; // first step of each epoch
  readonly #orders = new Map<number, Uint32Array>(); // of replay rows, by round
  #epoch: { readonly index: number; readonly steps: readonly (readonly RowBatch[])[] } | undefined;

  constructor(
    rows: readonly SupervisedSequence[],
    replay: readonly SupervisedSequence[],
    settings: ResolvedDecoderSettings,
  ) {
    [this.#rows, this.#replay, this.#settings] = [rows, replay, settings];
    const { replayShare, steps, epochs } = settings;
    this.replayRows = replay.length > 0 ? Math.round((rows.length * replayShare) / (1 - replayShare)) : 0;
    const starts: number[] = [];
    let total = 0;
    while (steps === null ? starts.length < epochs : total < steps) {
      starts.push(total);
      total += this.#made(starts.length - 1).length;
    }
    this.#starts = starts;
    this.total = steps ?? total;
    this.stepsPerEpoch = starts[1] ?? total;
    this.rateAt = rateOf(settings, this.total);
  }

  /** The batches of the optimizer step at `place` (from 0), and its epoch. */
  at(place: number): { readonly batches: readonly RowBatch[]; readonly epoch: number } {
    let epoch = 0;
    while (epoch + 1 < this.#starts.length && this.#starts[epoch + 1]! <= place) epoch++;
    return { batches: this.#made(epoch)[place - this.#starts[epoch]!]!, epoch };
  }

  /** All batches of steps from 0 up to `count`. */
  *batches(count: number): Generator<RowBatch, void, void> {
    for (let place = 0; place < Math.min(count, this.total); place++) yield* this.at(place).batches;
  }

  #made(epoch: number): readonly (readonly RowBatch[])[] {
    if (this.#epoch?.index !== epoch) this.#epoch = { index: epoch, steps: this.#steps(epoch) };
    return this.#epoch.steps;
  }

  #steps(epoch: number): readonly (readonly RowBatch[])[] {
    const { accumulate, order, batchSize, batchTokens, seed } = this.#settings;
    const rows = [...this.#rows, ...this.#replayOf(epoch)];
    const random = CounterRandom.stream(seed, EPOCH_STREAM + epoch);
    if (order === "packed" || order === "buckets") {
      const lengths = rows.map(({ ids }) => ids.length);
      const planned = batchPlan(lengths, batchTokens, order, random);
      return inParts(planned, accumulate).map((step) => step.map((batch) => batch.map((row) => rows[row]!)));
    }
    const ordered =
      order === "in-order" ? rows : Array.from(random.permutation(rows.length), (row) => rows[row]!);
    return inParts(inParts(ordered, batchSize), accumulate);
  }

  /** Replay rows in turn: every one of them once before any a second time, in an order drawn anew each time round. */
  #replayOf(epoch: number): SupervisedSequence[] {
    const count = this.#replay.length;
    return Array.from({ length: this.replayRows }, (_, index) => {
      const draw = epoch * this.replayRows + index;
      return this.#replay[this.#replayOrder(Math.floor(draw / count))[draw % count]!]!;
    });
  }

  #replayOrder(round: number): Uint32Array {
    const known = this.#orders.get(round);
    if (known) return known;
    const order = CounterRandom.stream(this.#settings.seed, REPLAY_STREAM + round).permutation(
      this.#replay.length,
    );
    this.#orders.set(round, order);
    return order;
  }
}

/** Warm-up from 0 (its first step has rate 0, as transformers'), then at the peak up to `decayFrom`, then in a line to 0. */
function rateOf(settings: ResolvedDecoderSettings, total: number): Schedule {
  const { learningRate: peak, warmup, decayFrom } = settings;
  const warmupSteps = Math.min(total, settings.warmupSteps ?? Math.floor(total * warmup));
  const flat = Math.max(warmupSteps, Math.floor(total * decayFrom));
  const rising = warmupLinear({ peak, warmupSteps, totalSteps: total });
  const falling = warmupLinear({ peak, warmupSteps: flat, totalSteps: total });
  return (step) => (step < warmupSteps ? rising(step) : step < flat ? peak : falling(step));
}

function inParts<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, part) =>
    items.slice(part * size, (part + 1) * size),
  );
}
