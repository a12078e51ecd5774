import { RetuneError } from "../../../engine/errors.ts";
import type { FrozenKind } from "../../models/llama/frozen.ts";
import type { LlamaConfig } from "../../models/llama/config.ts";
import { predictingRows, supervisedTokens, type SupervisedSequence } from "../../models/llama/supervision.ts";
import { packsByLength, roundedUp } from "../../text/pack.ts";
import { chooseRowSizes, rowsFor } from "../encoder/row-sizes.ts";
import { resolveDecoderSettings, type ResolvedDecoderSettings } from "./decoder-defaults.ts";
import type { DecoderJob } from "./decoder-job.ts";
import { DecoderSchedule, type RowBatch } from "./decoder-schedule.ts";
import { TracedDecoder, type RowSizes } from "./traced-decoder.ts";

const MOST_SIZES = 3; // executables of a run's steps
const SAMPLED_STEPS = 2000; // whose batches choose the sizes

/** What a plan is made from: a job without the base's weights. */
export type DecoderPlanInput = Omit<DecoderJob, "base"> & { readonly config: LlamaConfig };

/** All of a run that is known without a device. */
export interface DecoderLayout {
  readonly settings: ResolvedDecoderSettings;
  readonly schedule: DecoderSchedule;
  readonly decoder: TracedDecoder;
  readonly rows: readonly SupervisedSequence[]; // that teach something
  readonly validation: readonly RowBatch[]; // a look's batches; none: nothing is looked at
  readonly lookEvery: number; // steps between two looks, or two good states where nothing is held out
  readonly sampled: readonly { readonly tokens: number; readonly learnt: number; readonly padded: number }[];
  readonly sampledSteps: number;
  readonly largest: RowSizes;
  readonly notes: readonly string[];
  sizesOf(batch: RowBatch): RowSizes;
}

/**
 * Lays out batches and sizes. Throws "usage" (settings), "too-little-data" where no row teaches anything, E_MISMATCH for a row that the
 * model cannot read: longer than its positions, or with an id past its vocabulary.
 */
export function layOut(input: DecoderPlanInput, deviceFrozen: FrozenKind): DecoderLayout {
  const { config, rows: given, validationRows = [], replayRows = [], adapter } = input;
  const settings = resolveDecoderSettings(input.settings, config, adapter);
  for (const [what, own] of Object.entries({
    row: given,
    "validation row": validationRows,
    "replay row": replayRows,
  })) {
    checkRows(what, own, config);
  }
  const [rows, replay] = [teaching(given), teaching(replayRows)];
  const notes =
    rows.length < given.length ? [`${given.length - rows.length} rows teach nothing and are left out.`] : [];
  if (rows.length === 0)
    throw new RetuneError("too-little-data", "no row has a token to learn; give rows with answers");
  if (replay.length > 0 && settings.order === "in-order") {
    throw new RetuneError("usage", 'order "in-order" cannot mix replay rows in; choose "shuffled"');
  }
  const schedule = new DecoderSchedule(rows, replay, settings);
  const held = settings.validation ? teaching(validationRows) : [];
  const longest = roundedUp(longestOf([...rows, ...replay, ...held]), 32, 1);
  const decoder = new TracedDecoder(config, settings, longest, settings.frozen ?? deviceFrozen);
  const every = settings.validation?.every ?? 0.1;
  return {
    ...{ settings, schedule, decoder, rows, notes },
    ...chosenSizes(schedule, longest),
    validation: lookBatches(held, schedule, longest),
    lookEvery: Math.max(1, Math.round(schedule.total * every)),
  };
}

type Sizes = Pick<DecoderLayout, "sampled" | "sampledSteps" | "largest" | "sizesOf">;

/** The few sizes of executables that hold the batches of a run. */
function chosenSizes(schedule: DecoderSchedule, longest: number): Sizes {
  const sampledSteps = Math.min(schedule.total, SAMPLED_STEPS);
  const batches = [...schedule.batches(sampledSteps)].map((batch) => ({
    ...{ tokens: tokensOf(batch), learnt: supervisedTokens(batch), count: batch.length },
    places: predictingRows(batch),
  }));
  const sizes = chooseRowSizes(
    batches.map(({ tokens }) => tokens),
    MOST_SIZES,
  );
  const segments = roundedUp(Math.max(...batches.map(({ count }) => count)), 8, 2);
  const placesOf = new Map(sizes.map((size) => [size, 0]));
  for (const { tokens, places } of batches) {
    const size = rowsFor(tokens, sizes);
    placesOf.set(size, Math.max(placesOf.get(size)!, places));
  }
  const sizesFor = (tokens: number, places: number, count: number): RowSizes => {
    const rows = rowsFor(tokens, sizes);
    const bucket = { rows, segments: Math.max(segments, roundedUp(count, 8, 2)), longest };
    return { bucket, places: Math.max(placesOf.get(rows) ?? 0, places) };
  };
  const most = sizes.at(-1)!;
  return {
    sampledSteps,
    sampled: batches.map(({ tokens, learnt }) => ({ tokens, learnt, padded: rowsFor(tokens, sizes) })),
    largest: sizesFor(most, placesOf.get(most)!, 1),
    sizesOf: (batch) => sizesFor(tokensOf(batch), predictingRows(batch), batch.length),
  };
}

/** Validation rows in batches of about the largest training batch: they need no more memory. */
function lookBatches(
  rows: readonly SupervisedSequence[],
  schedule: DecoderSchedule,
  longest: number,
): readonly RowBatch[] {
  const most = Math.max(longest, ...[...schedule.batches(20)].map(tokensOf));
  const packs = packsByLength(
    rows.map(({ ids }) => ids.length),
    most,
  );
  return packs.map((pack) => pack.map((row) => rows[row]!));
}

export function tokensOf(batch: RowBatch): number {
  return batch.reduce((sum, { ids }) => sum + ids.length, 0);
}

function teaching(rows: readonly SupervisedSequence[]): readonly SupervisedSequence[] {
  return rows.filter((row) => supervisedTokens([row]) > 0);
}

function longestOf(rows: readonly SupervisedSequence[]): number {
  return rows.reduce((most, { ids }) => Math.max(most, ids.length), 1);
}

function checkRows(what: string, rows: readonly SupervisedSequence[], config: LlamaConfig): void {
  const refuse = (row: number, text: string): RetuneError =>
    new RetuneError("E_MISMATCH", `${what} ${row + 1} ${text}`);
  for (const [row, { ids, supervised }] of rows.entries()) {
    if (ids.length > config.maxPositions) {
      throw refuse(
        row,
        `has ${ids.length} tokens, the model reads ${config.maxPositions}; cut rows or leave it out`,
      );
    }
    if (ids.length !== supervised.length) {
      throw refuse(row, `has ${ids.length} ids, but ${supervised.length} marks of what is learnt`);
    }
    const strange = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= config.vocabSize);
    if (strange !== undefined) {
      const text = `holds the id ${strange}, the vocabulary ends at ${config.vocabSize - 1}; use the model's own tokenizer`;
      throw refuse(row, text);
    }
  }
}
