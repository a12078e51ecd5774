import { RetuneError } from "../../../engine/errors.ts";
import { checkDimensions } from "../../losses/matryoshka.ts";
import { ALL_LINEAR } from "../../models/bert/lora.ts";
import type { EncoderModel } from "../../models/encoder-model.ts";
import type {
  EncoderJob,
  EncoderLoss,
  EncoderSettings,
  LoraSettings,
  MatryoshkaSettings,
  ValidationSettings,
} from "./encoder-job.ts";

/** Settings with every default filled in. */
export interface ResolvedSettings {
  readonly recipe: EncoderSettings["recipe"];
  readonly mode: EncoderSettings["mode"];
  readonly loss: EncoderLoss;
  readonly matryoshka: MatryoshkaSettings | null;
  readonly anchorWeight: number; // 0: no anchor term
  readonly epochs: number;
  readonly batchSize: number;
  readonly negativesPerQuestion: number; // 0: none
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly warmup: number;
  readonly clip: number;
  readonly dropout: boolean;
  readonly maxTokens: number;
  readonly recomputation: boolean;
  readonly miniBatch: number;
  readonly lora: Omit<LoraSettings, "targets"> & { readonly targets: readonly string[] };
  readonly validation: ValidationSettings | null;
  readonly seed: number;
}

/** sentence-transformers' fit and, for LoRA, ten times its rate (trainers.md §5); what a look costs bounds its number. */
export const DEFAULTS = {
  scale: 20,
  epochs: 2,
  batchSize: 10,
  learningRate: 2e-5,
  loraLearningRate: 2e-4,
  weightDecay: 0.01,
  warmup: 0.1,
  clip: 1,
  miniBatch: 32,
  lora: { rank: 16, alpha: 32, rsLora: false, targets: "all-linear", dropout: 0 },
  validation: { share: 0.1, every: 0.05, patience: 5 },
} as const;

/** Losses that cannot do without a wrong passage beside the right one. */
const NEEDS_NEGATIVE: readonly EncoderLoss["kind"][] = ["triplet", "cosent", "margin-mse", "kl-distillation"];

/** Fills in defaults and rejects ("usage") what no run can follow, naming the field, its value and what is allowed. */
export function resolveSettings({ settings, model, data }: EncoderJob): ResolvedSettings {
  const own = settings;
  const loss = own.loss ?? { kind: "mnrl" };
  const compatible = own.mode === "compatible";
  const hasNegatives = Object.values(data.negatives ?? {}).some((found) => found.length > 0);
  const wantsNegatives = hasNegatives || NEEDS_NEGATIVE.includes(loss.kind);
  const lora = { ...DEFAULTS.lora, ...own.lora };
  const resolved: ResolvedSettings = {
    recipe: own.recipe,
    mode: own.mode,
    loss,
    matryoshka: own.matryoshka ?? null,
    anchorWeight: data.anchors?.length ? (own.anchorWeight ?? 1) : 0,
    epochs: own.epochs ?? DEFAULTS.epochs,
    batchSize: own.batchSize ?? DEFAULTS.batchSize,
    negativesPerQuestion: wantsNegatives ? (own.negativesPerQuestion ?? 1) : 0,
    learningRate:
      own.learningRate ?? (own.recipe === "lora" ? DEFAULTS.loraLearningRate : DEFAULTS.learningRate),
    weightDecay: own.weightDecay ?? DEFAULTS.weightDecay,
    warmup: own.warmup ?? DEFAULTS.warmup,
    clip: own.clip ?? DEFAULTS.clip,
    dropout: own.dropout ?? true,
    maxTokens: Math.min(own.maxTokens ?? model.maxTokens, model.maxTokens, model.config.maxPositions),
    recomputation: own.recomputation ?? false,
    miniBatch: own.miniBatch ?? DEFAULTS.miniBatch,
    lora: { ...lora, targets: lora.targets === "all-linear" ? ALL_LINEAR : lora.targets },
    validation: validationOf(own, compatible),
    seed: own.seed,
  };
  checkSettings(resolved, model);
  return resolved;
}

function validationOf({ validation }: EncoderSettings, compatible: boolean): ValidationSettings | null {
  if (validation === "none" || (compatible && validation === undefined)) return null;
  return { ...DEFAULTS.validation, ...validation };
}

type NumberField = {
  [K in keyof ResolvedSettings]: ResolvedSettings[K] extends number ? K : never;
}[keyof ResolvedSettings];

const whole = (low: number, high: number) => ({
  rule: `a whole number from ${low} to ${high}`,
  allowed: (value: number) => Number.isInteger(value) && value >= low && value <= high,
});
const between = (low: number, high: number) => ({
  rule: `from ${low} to ${high}`,
  allowed: (value: number) => value >= low && value <= high,
});

const RULES: Partial<
  Record<NumberField, { readonly rule: string; readonly allowed: (value: number) => boolean }>
> = {
  epochs: whole(1, 1000),
  batchSize: whole(2, 16_384),
  negativesPerQuestion: whole(0, 32),
  learningRate: { rule: "above 0, at most 1", allowed: (value) => value > 0 && value <= 1 },
  weightDecay: between(0, 1),
  warmup: between(0, 1),
  clip: { rule: "above 0", allowed: (value) => value > 0 },
  anchorWeight: between(0, 1e6),
  maxTokens: whole(8, 100_000),
  miniBatch: whole(1, 16_384),
};

function checkSettings(settings: ResolvedSettings, model: EncoderModel): void {
  for (const [name, { rule, allowed }] of Object.entries(RULES)) {
    check(name, settings[name as NumberField], rule, allowed);
  }
  const { loss, matryoshka, validation, lora, negativesPerQuestion } = settings;
  if (matryoshka) checkDimensions(matryoshka.dimensions, matryoshka.weights, model.config.hiddenSize);
  const positive = (value: number): boolean => value > 0 && value <= 1000;
  if ("scale" in loss) check("loss.scale", loss.scale ?? 20, "above 0, at most 1000", positive);
  if ("margin" in loss) check("loss.margin", loss.margin ?? 5, "above 0, at most 1000", positive);
  if ("temperature" in loss) {
    check("loss.temperature", loss.temperature ?? 1, "above 0, at most 1000", positive);
  }
  if (NEEDS_NEGATIVE.includes(loss.kind) && negativesPerQuestion < 1) {
    throw new RetuneError("usage", `negativesPerQuestion: 0, but ${loss.kind} needs at least 1`);
  }
  if (validation) {
    check("validation.share", validation.share, "above 0, at most 0.5", (v) => v > 0 && v <= 0.5);
    check("validation.every", validation.every, "above 0, at most 1", (v) => v > 0 && v <= 1);
    const { patience } = validation;
    if (!(patience >= 1)) throw new RetuneError("usage", `validation.patience: ${patience}; give at least 1`);
  }
  check("lora.dropout", lora.dropout, "at least 0, below 1", (value) => value >= 0 && value < 1);
}

function check(name: string, value: number, rule: string, allowed: (value: number) => boolean): void {
  if (Number.isFinite(value) && allowed(value)) return;
  throw new RetuneError("usage", `${name}: ${value} is not possible; give ${rule}, or leave it out`);
}
