import type { Backend } from "../../engine/backend.ts";
import type { ChatFormat } from "../chat/chat-format.ts";
import type { LoraAdapter } from "../models/encoder-model.ts";
import { inferenceTokens } from "../models/inference.ts";
import type { LlamaConfig } from "../models/llama/config.ts";
import type { DecoderTraceOptions } from "../models/llama/weights.ts";
import type { RunControl } from "../ports.ts";
import { storedBeside, storedDecoder, type DecoderStore, type DecoderTensors } from "./decoder-store.ts";
import { generateAnswers, stopIfCancelled } from "./generation.ts";
import { checkGeneration, checkSequences } from "./generation-settings.ts";
import type {
  Constraint,
  Generated,
  GenerationSettings,
  LanguageModel,
  SequenceScore,
} from "./language-model.ts";
import { Pace } from "./pace.ts";
import { PackedPasses } from "./packed-passes.ts";
import { CachedReader } from "./cached-reader.ts";
import { Constraints } from "./constraints.ts";

/** What a language model is opened from: a `DecoderModel` has all of it. */
export interface LanguageModelParts {
  readonly name: string;
  readonly config: LlamaConfig;
  readonly format: ChatFormat;
  readonly weights: DecoderTensors;
  readonly placeholders?: boolean;
  readonly lora?: LoraAdapter;
  readonly merged?: boolean; // the adapter is added to the weights as they are written; default: it lies beside them
  readonly trace?: DecoderTraceOptions; // how matrices lie on the device; default: f32
  readonly contextTokens?: number; // default: the model's positions, at most 4,096
  readonly batchTokens?: number; // of a pass over whole texts
  readonly sequences?: number; // answered at a time, 16
}

/** A model with what it holds on a device. */
export interface OpenLanguageModel extends LanguageModel {
  /** This model with an adapter beside the same weights, which are held once. It lives on when this one is disposed. */
  tuned(name: string, lora: LoraAdapter): Promise<OpenLanguageModel>;
  dispose(): void;
}

const MOST_POSITIONS = 4096;
const SEQUENCES = 16;

/**
 * Puts a decoder onto a backend to be asked. Tensors are read one at a time. Throws E_MISMATCH for an adapter of another model, and
 * what reading the weights and the backend throw ("out-of-memory", E_SAFETENSORS, …).
 */
export async function openLanguageModel(
  backend: Backend,
  parts: LanguageModelParts,
): Promise<OpenLanguageModel> {
  const { config, lora, merged = false, trace = {} } = parts;
  const positions = parts.contextTokens ?? Math.min(config.maxPositions, MOST_POSITIONS);
  const settings = { config, positions, trace };
  const base = await storedDecoder(backend, parts.weights, settings, merged ? lora : undefined);
  if (!lora || merged) return new DecoderLanguageModel(parts, base, slotsOf());
  const model = new DecoderLanguageModel(parts, base, slotsOf());
  try {
    return await model.tuned(parts.name, lora);
  } finally {
    model.dispose();
  }
}

/** Numbers of the adapters over one base that are open. */
interface Slots {
  take(): number;
  giveBack(slot: number): void;
}

function slotsOf(): Slots {
  const taken = new Set<number>();
  return {
    take() {
      let slot = 0;
      while (taken.has(slot)) slot++;
      taken.add(slot);
      return slot;
    },
    giveBack: (slot) => void taken.delete(slot),
  };
}

class DecoderLanguageModel implements OpenLanguageModel {
  readonly name: string;
  readonly format: ChatFormat;
  readonly contextTokens: number;
  readonly placeholders: boolean;
  readonly #parts: LanguageModelParts;
  readonly #store: DecoderStore;
  readonly #slots: Slots;
  readonly #slot: number | undefined;
  readonly #passes: PackedPasses;
  readonly #reader: CachedReader;
  readonly #constraints: Constraints;
  #generating: Promise<unknown> = Promise.resolve(); // one after the other: they share a cache

  constructor(parts: LanguageModelParts, store: DecoderStore, slots: Slots, slot?: number) {
    this.name = parts.name;
    this.format = parts.format;
    this.contextTokens = store.positions;
    this.placeholders = parts.placeholders ?? parts.config.raw["retune_placeholders"] === true;
    this.#parts = parts;
    this.#store = store;
    this.#slots = slots;
    this.#slot = slot;
    const tokens = parts.batchTokens ?? inferenceTokens(store.backend);
    this.#passes = new PackedPasses(store, tokens);
    this.#reader = new CachedReader(store, tokens);
    this.#constraints = new Constraints(parts.format, parts.config.vocabSize);
  }

  async generate(
    prompts: Parameters<LanguageModel["generate"]>[0],
    settings: Parameters<LanguageModel["generate"]>[1],
    control: RunControl = {},
  ): ReturnType<LanguageModel["generate"]> {
    const { vocabSize } = this.#store.config;
    checkGeneration(prompts, settings, { contextTokens: this.contextTokens, vocabSize });
    stopIfCancelled(control);
    const running = this.#generating.then(() => this.#generate(prompts, settings, control));
    this.#generating = running.catch(() => undefined);
    return await running;
  }

  #generate(
    prompts: readonly (readonly number[])[],
    settings: GenerationSettings,
    control: RunControl,
  ): Promise<readonly Generated[]> {
    const sequences = this.#parts.sequences ?? SEQUENCES;
    const rooms = prompts.map(({ length }) => length + settings.maxTokens).sort((a, b) => b - a);
    const wanted = rooms.slice(0, sequences).reduce((sum, room) => sum + room, 0);
    this.#reader.reserve(wanted, rooms[0] ?? 0);
    const { vocabSize } = this.#store.config;
    const { format } = this;
    const constrain = (constraint: Constraint) => this.#constraints.open(constraint);
    const parts = { format, reader: this.#reader, vocabSize, sequences, constrain };
    return generateAnswers(prompts, settings, parts, control);
  }

  async score(
    sequences: Parameters<LanguageModel["score"]>[0],
    control: RunControl = {},
  ): ReturnType<LanguageModel["score"]> {
    this.#check(sequences.map(({ ids }) => ids));
    const scores = new Array<SequenceScore>(sequences.length);
    await this.#inBatches(sequences, control, async (batch, indices) => {
      const losses = await this.#passes.losses(batch);
      for (const [row, own] of losses.entries()) {
        const loss = own.reduce((sum, value) => sum + value, 0);
        scores[indices[row]!] = { loss, tokens: own.length };
      }
    });
    return scores;
  }

  async nextTokens(
    prompts: Parameters<LanguageModel["nextTokens"]>[0],
    candidates: Parameters<LanguageModel["nextTokens"]>[1],
    control: RunControl = {},
  ): ReturnType<LanguageModel["nextTokens"]> {
    this.#check([...prompts, candidates]);
    const { vocabSize } = this.#store.config;
    const rows = new Array<Float64Array>(prompts.length);
    const sequences = prompts.map((ids) => ({ ids }));
    await this.#inBatches(sequences, control, async (batch, indices) => {
      const logits = await this.#passes.logitsAfter(batch);
      for (const [row, index] of indices.entries()) {
        rows[index] = logShares(logits.subarray(row * vocabSize, (row + 1) * vocabSize), candidates);
      }
    });
    return rows;
  }

  async tuned(name: string, lora: LoraAdapter): Promise<OpenLanguageModel> {
    const slot = this.#slots.take();
    try {
      const store = await storedBeside(this.#store, lora, slot);
      return new DecoderLanguageModel({ ...this.#parts, name }, store, this.#slots, slot);
    } catch (error) {
      this.#slots.giveBack(slot);
      throw error;
    }
  }

  dispose(): void {
    this.#passes.dispose();
    this.#reader.dispose();
    this.#constraints.dispose();
    this.#store.dispose();
    if (this.#slot !== undefined) this.#slots.giveBack(this.#slot);
  }

  #check(sequences: readonly (readonly number[])[]): void {
    const { vocabSize } = this.#store.config;
    checkSequences(sequences, 0, { contextTokens: this.contextTokens, vocabSize });
  }

  /** Batch after batch, with progress and a place to cancel between them. */
  async #inBatches<Sequence extends { readonly ids: readonly number[] }>(
    sequences: readonly Sequence[],
    control: RunControl,
    run: (batch: readonly Sequence[], indices: readonly number[]) => Promise<void>,
  ): Promise<void> {
    const pace = new Pace();
    let done = 0;
    for (const indices of this.#passes.batches(sequences)) {
      stopIfCancelled(control);
      await run(
        indices.map((index) => sequences[index]!),
        indices,
      );
      done += indices.length;
      control.onProgress?.({
        ...{ done, total: sequences.length },
        label: `${done} of ${sequences.length} texts`,
      });
      await pace.next();
    }
    stopIfCancelled(control);
  }
}

/** ln softmax of the logits at some ids, in float64. */
function logShares(logits: Float32Array, ids: readonly number[]): Float64Array {
  const largest = logits.reduce((most, value) => Math.max(most, value), -Infinity);
  const sum = logits.reduce((total, value) => total + Math.exp(value - largest), 0);
  return Float64Array.from(ids, (id) => logits[id]! - largest - Math.log(sum));
}
