import { RetuneError } from "../../../engine/errors.ts";
import type { LoraShape } from "../../models/lora-layers.ts";
import type { LlamaConfig } from "../../models/llama/config.ts";
import { FROZEN_KINDS, type FrozenKind } from "../../models/llama/frozen.ts";
import { ALL_DECODER_LINEAR } from "../../models/llama/lora.ts";
import type { LoraAdapter } from "../../models/encoder-model.ts";
import type { DecoderSettings, DecoderValidationSettings } from "./decoder-job.ts";

/** The low-rank changes of a run, with every default filled in. */
export interface ResolvedLora extends LoraShape {
  readonly from: number; // the lowest transformer layer that changes
  readonly dropout: number;
}

/** Settings with every default filled in. */
export interface ResolvedDecoderSettings {
  readonly lora: ResolvedLora | null; // null: all weights train
  readonly frozen: FrozenKind | null; // null: what suits the device
  readonly epochs: number;
  readonly steps: number | null;
  readonly order: NonNullable<DecoderSettings["order"]>;
  readonly batchSize: number;
  readonly batchTokens: number;
  readonly accumulate: number;
  readonly learningRate: number;
  readonly warmup: number;
  readonly warmupSteps: number | null;
  readonly decayFrom: number;
  readonly weightDecay: number;
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly clip: number;
  readonly recomputation: boolean | null; // null: where keeping activations takes much memory
  readonly replayShare: number;
  readonly validation: DecoderValidationSettings | null;
  readonly seed: number;
}

const DECODER_DEFAULTS = {
  lora: { rank: 8, alpha: 16, rsLora: false, targets: "all-linear", layers: "all", dropout: 0 },
  epochs: 3,
  batchSize: 16,
  batchTokens: 1024,
  warmup: 0.05,
  clip: 1,
  replayShare: 0.25,
  validation: { every: 0.1, patience: Infinity },
} as const;

const BY_METHOD = {
  lora: { learningRate: 2e-4, weightDecay: 0, betas: [0.9, 0.999] },
  full: { learningRate: 2e-3, weightDecay: 0.1, betas: [0.9, 0.95] },
} as const;

/** Fills in defaults and rejects ("usage") what no run can follow, naming the field, its value and what is allowed. */
export function resolveDecoderSettings(
  own: DecoderSettings,
  config: LlamaConfig,
  adapter?: LoraAdapter,
): ResolvedDecoderSettings {
  const method = own.method ?? "lora";
  const { learningRate, weightDecay, betas } = BY_METHOD[method];
  const resolved: ResolvedDecoderSettings = {
    lora: method === "lora" ? loraOf(own, config, adapter) : null,
    frozen: own.frozen ?? null,
    epochs: own.epochs ?? DECODER_DEFAULTS.epochs,
    steps: own.steps ?? null,
    order: own.order ?? (own.batchSize === undefined ? "packed" : "shuffled"),
    batchSize: own.batchSize ?? DECODER_DEFAULTS.batchSize,
    batchTokens: own.batchTokens ?? DECODER_DEFAULTS.batchTokens,
    accumulate: own.accumulate ?? 1,
    learningRate: own.learningRate ?? learningRate,
    warmup: own.warmup ?? DECODER_DEFAULTS.warmup,
    warmupSteps: own.warmupSteps ?? null,
    decayFrom: own.decayFrom ?? 0,
    weightDecay: own.weightDecay ?? weightDecay,
    betas: own.betas ?? betas,
    epsilon: own.epsilon ?? 1e-8,
    clip: own.clip ?? DECODER_DEFAULTS.clip,
    recomputation: own.recomputation ?? null,
    replayShare: own.replayShare ?? DECODER_DEFAULTS.replayShare,
    validation: own.validation === "none" ? null : { ...DECODER_DEFAULTS.validation, ...own.validation },
    seed: own.seed,
  };
  checkSettings(resolved);
  return resolved;
}

function loraOf({ lora = {} }: DecoderSettings, config: LlamaConfig, adapter?: LoraAdapter): ResolvedLora {
  const { dropout, layers, targets, ...shape } = { ...DECODER_DEFAULTS.lora, ...lora };
  if (adapter) {
    const { rank, alpha, rsLora, targets: own } = adapter;
    return { rank, alpha, rsLora, targets: own, from: lowestLayer(adapter), dropout };
  }
  const count = layers === "all" ? config.layers : layers;
  if (!Number.isInteger(count) || count < 1 || count > config.layers) {
    const text = `lora.layers: ${count} is not possible; give a whole number from 1 to ${config.layers}, or "all"`;
    throw new RetuneError("usage", text);
  }
  return {
    ...shape,
    targets: targets === "all-linear" ? ALL_DECODER_LINEAR : targets,
    from: config.layers - count,
    dropout,
  };
}

/** The lowest transformer layer that an adapter changes, from 0. */
export function lowestLayer({ weights }: LoraAdapter): number {
  const layers = [...weights.keys()].map((name) =>
    Number(/^model\.layers\.(\d+)\./.exec(name)?.[1] ?? Infinity),
  );
  return layers.reduce((least, layer) => Math.min(least, layer), Infinity);
}

type NumberField = {
  [K in keyof ResolvedDecoderSettings]: ResolvedDecoderSettings[K] extends number | null ? K : never;
}[keyof ResolvedDecoderSettings];

interface Rule {
  readonly rule: string;
  readonly allowed: (value: number) => boolean;
}

const whole = (low: number, high: number): Rule => ({
  rule: `a whole number from ${low} to ${high}`,
  allowed: (value) => Number.isInteger(value) && value >= low && value <= high,
});
const between = (low: number, high: number): Rule => ({
  rule: `from ${low} to ${high}`,
  allowed: (value) => value >= low && value <= high,
});
const above = (high: number): Rule => ({
  rule: high === Infinity ? "above 0" : `above 0, at most ${high}`,
  allowed: (value) => value > 0 && value <= high,
});
const below = (high: number): Rule => ({
  rule: `at least 0, below ${high}`,
  allowed: (value) => value >= 0 && value < high,
});

const RULES: Partial<Record<NumberField, Rule>> = {
  epochs: whole(1, 10_000),
  steps: whole(1, 10_000_000),
  batchSize: whole(1, 16_384),
  batchTokens: whole(2, 1_000_000),
  accumulate: whole(1, 65_536),
  learningRate: above(1),
  warmup: between(0, 1),
  warmupSteps: whole(0, 10_000_000),
  decayFrom: between(0, 1),
  weightDecay: between(0, 1),
  epsilon: above(1),
  clip: above(Infinity),
  replayShare: below(1),
};

function checkSettings(settings: ResolvedDecoderSettings): void {
  for (const [name, rule] of Object.entries(RULES)) {
    const value = settings[name as NumberField];
    if (value !== null) check(name, value, rule);
  }
  const { lora, validation, betas, frozen } = settings;
  if (frozen !== null && !FROZEN_KINDS.includes(frozen)) {
    throw new RetuneError(
      "usage",
      `frozen: "${frozen}" is not possible; give one of ${FROZEN_KINDS.join(", ")}`,
    );
  }
  for (const beta of betas) check("betas", beta, below(1));
  if (lora) {
    check("lora.alpha", lora.alpha, above(1e6));
    check("lora.dropout", lora.dropout, below(1));
  }
  if (!validation) return;
  check("validation.every", validation.every, above(1));
  check("validation.patience", validation.patience, { rule: "at least 1", allowed: (value) => value >= 1 });
}

function check(name: string, value: number, { rule, allowed }: Rule): void {
  if (!Number.isNaN(value) && allowed(value)) return;
  throw new RetuneError("usage", `${name}: ${value} is not possible; give ${rule}, or leave it out`);
}
