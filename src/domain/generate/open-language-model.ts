import type { Backend } from "../../engine/backend.ts";
import type { ChatFormat } from "../chat/chat-format.ts";
import type { LoraAdapter } from "../models/encoder-model.ts";
import { inferenceTokens } from "../models/inference.ts";
import type { LlamaConfig } from "../models/llama/config.ts";
import type { DecoderTraceOptions } from "../models/llama/weights.ts";
import type { SupervisedSequence } from "../models/llama/supervision.ts";
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
import { nextTokenShares, sequenceScores } from "./likelihoods.ts";
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
  readonly sequences?: number; // answered at a time; default 16, on a GPU 64
}

/** A model with what it holds on a device. */
export interface OpenLanguageModel extends LanguageModel {
  /** This model with an adapter beside the same weights, which are held once. It lives on when this one is disposed. */
  tuned(name: string, lora: LoraAdapter): Promise<OpenLanguageModel>;
  dispose(): void;
}

const MOST_POSITIONS = 4096;
const LOGIT_VALUES = 2 ** 22; // that come back for a step: 16 MiB
const SEQUENCES = { hardware: 64, other: 16 }; // answered at a time

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

function sequencesOn({ kind, software }: Backend, { vocabSize }: LlamaConfig): number {
  const most = kind === "webgpu" && !software ? SEQUENCES.hardware : SEQUENCES.other;
  return Math.max(1, Math.min(most, Math.floor(LOGIT_VALUES / vocabSize)));
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
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
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

  generate(
    prompts: readonly (readonly number[])[],
    settings: GenerationSettings,
    control?: RunControl,
  ): Promise<readonly Generated[]> {
    return this.#run(control, (own) => {
      const { vocabSize } = this.#store.config;
      checkGeneration(prompts, settings, { contextTokens: this.contextTokens, vocabSize });
      const answers = this.#generating.then(() => this.#generate(prompts, settings, own));
      this.#generating = answers.catch(() => undefined);
      return answers;
    });
  }

  score(sequences: readonly SupervisedSequence[], control?: RunControl): Promise<readonly SequenceScore[]> {
    return this.#run(control, (own) => {
      this.#check(sequences.map(({ ids }) => ids));
      return sequenceScores(this.#passes, sequences, own);
    });
  }

  nextTokens(
    prompts: readonly (readonly number[])[],
    candidates: readonly number[],
    control?: RunControl,
  ): Promise<readonly Float64Array[]> {
    return this.#run(control, (own) => {
      this.#check([...prompts, ...candidates.map((id) => [id])]);
      return nextTokenShares(this.#passes, prompts, candidates, own);
    });
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
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    if (this.#running.size === 0) return this.#free();
    void Promise.allSettled(this.#running).then(() => this.#free()); // what runs ends at its next pass
  }

  #free(): void {
    this.#passes.dispose();
    this.#reader.dispose();
    this.#constraints.dispose();
    this.#store.dispose();
    if (this.#slot !== undefined) this.#slots.giveBack(this.#slot);
  }

  /** Runs what ends by a cancel, where the model is disposed as well. */
  async #run<Result>(
    control: RunControl = {},
    task: (control: RunControl) => Promise<Result>,
  ): Promise<Result> {
    const { signal: closing } = this.#closing;
    const signal = control.signal ? AbortSignal.any([control.signal, closing]) : closing;
    const own = { ...control, signal };
    stopIfCancelled(own);
    const running = task(own);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  #generate(
    prompts: readonly (readonly number[])[],
    settings: GenerationSettings,
    control: RunControl,
  ): Promise<readonly Generated[]> {
    const { config, backend } = this.#store;
    const sequences = this.#parts.sequences ?? sequencesOn(backend, config);
    const rooms = prompts.map(({ length }) => length + settings.maxTokens).sort((a, b) => b - a);
    const wanted = rooms.slice(0, sequences).reduce((sum, room) => sum + room, 0);
    this.#reader.reserve(wanted, rooms[0] ?? 0);
    const constrain = (constraint: Constraint) => this.#constraints.open(constraint);
    const { format } = this;
    const parts = { format, reader: this.#reader, vocabSize: config.vocabSize, sequences, constrain };
    return generateAnswers(prompts, settings, parts, control);
  }

  #check(sequences: readonly (readonly number[])[]): void {
    const { vocabSize } = this.#store.config;
    checkSequences(sequences, 0, { contextTokens: this.contextTokens, vocabSize });
  }
}
