import type { AdapterConfig, CustomLayer } from "../domain/models/adapter-config.ts";
import type { EncoderView } from "../app/studio-models.ts";
import type { Recipe, RecipeOffer, RunSummary } from "../app/studio-training.ts";
import type { AdapterSettings } from "../domain/recipes/adapter-job.ts";

export type AdapterKind = AdapterConfig["kind"];
export type TrainingMode = AdapterSettings["mode"];
export type NumericSetting = "epochs" | "batchSize" | "learningRate" | "scale" | "alpha";
export const NUMERIC_SETTINGS: readonly NumericSetting[] = [
  "epochs",
  "batchSize",
  "learningRate",
  "scale",
  "alpha",
];

/** What LlamaIndex's fine_tune.py starts with; shown in compatible mode where nothing is fixed. */
export const COMPATIBLE_DEFAULTS: Readonly<Record<NumericSetting, number>> = {
  epochs: 1,
  batchSize: 10,
  learningRate: 2e-5,
  scale: 20,
  alpha: 1,
};

/** Bounds of each field, so that a typing slip is caught before a run. */
export const SETTING_BOUNDS: Readonly<Record<NumericSetting, { min: number; max: number; whole: boolean }>> =
  {
    epochs: { min: 1, max: 500, whole: true },
    batchSize: { min: 2, max: 4096, whole: true },
    learningRate: { min: 1e-7, max: 1, whole: false },
    scale: { min: 0.1, max: 1000, whole: false },
    alpha: { min: 0, max: 2, whole: false },
  };

/** The adapter of a recipe card over vectors of `features` dimensions. */
export function adapterOf(kind: AdapterKind, features: number): AdapterConfig {
  if (kind === "linear") return { kind, features, bias: false };
  if (kind === "two-layer") {
    return { kind, features, hiddenFeatures: 1024, activation: "relu", residual: true, bias: true };
  }
  return {
    kind,
    features,
    residual: true,
    layers: [defaultLayer(512), { ...defaultLayer(features), activation: "identity" }],
  };
}

export function defaultLayer(features: number): CustomLayer {
  return { features, activation: "relu", bias: true };
}

/** Of bge-small, used until the encoders of this page are known. */
export const DEFAULT_DIMENSION = 384;

/** The settings a newcomer starts with. */
export function defaultSettings(features: number, queryInstruction?: string): AdapterSettings {
  return {
    mode: "recommended",
    adapter: adapterOf("linear", features),
    seed: 0,
    ...(queryInstruction ? { queryInstruction } : {}),
  };
}

export interface SettingChange {
  readonly name: NumericSetting | "seed" | "mode" | "adapter" | "queryInstruction";
  readonly from: string;
  readonly to: string;
}

/** "384 → 1024 relu → 384, residual": the adapter in one line. */
export function describeAdapter(adapter: AdapterConfig): string {
  if (adapter.kind === "linear")
    return `${adapter.features} → ${adapter.features}${adapter.bias ? ", bias" : ""}`;
  if (adapter.kind === "two-layer") {
    const residual = adapter.residual ? ", residual" : "";
    return `${adapter.features} → ${adapter.hiddenFeatures} ${adapter.activation} → ${adapter.features}${residual}`;
  }
  const layers = adapter.layers.map((layer) =>
    layer.activation === "identity" ? String(layer.features) : `${layer.features} ${layer.activation}`,
  );
  return [String(adapter.features), ...layers].join(" → ") + (adapter.residual ? ", residual" : "");
}

/** What a person changed against the newcomer's settings. */
export function changesOf(settings: AdapterSettings, start: AdapterSettings): readonly SettingChange[] {
  const changes: SettingChange[] = [];
  const note = (
    name: SettingChange["name"],
    from: string | number | undefined,
    to: string | number | undefined,
  ): void => {
    if (from !== to) changes.push({ name, from: String(from ?? "chosen"), to: String(to ?? "chosen") });
  };
  note("mode", start.mode, settings.mode);
  note("adapter", describeAdapter(start.adapter), describeAdapter(settings.adapter));
  for (const name of NUMERIC_SETTINGS) note(name, start[name], settings[name]);
  note("seed", start.seed, settings.seed);
  note("queryInstruction", start.queryInstruction ?? "none", settings.queryInstruction ?? "none");
  return changes;
}

/** Settings with one number fixed, or left to be chosen again where `value` is null. */
export function withNumber(
  settings: AdapterSettings,
  name: NumericSetting,
  value: number | null,
): AdapterSettings {
  const rest: AdapterSettings = { ...settings };
  if (value !== null) return { ...rest, [name]: value };
  return Object.fromEntries(
    Object.entries(rest).filter(([key]) => key !== name),
  ) as unknown as AdapterSettings;
}

/** A recipe with or without the query instruction. Adapters keep it among their settings. */
export function withInstruction(recipe: Recipe, instruction: string): Recipe {
  if (recipe.task === "cross-encoder" || recipe.task === "router") return recipe;
  if (recipe.task === "adapter") {
    const { queryInstruction: _old, ...rest } = recipe.settings;
    return {
      task: "adapter",
      settings: instruction === "" ? rest : { ...rest, queryInstruction: instruction },
    };
  }
  const { queryInstruction: _old, ...rest } = recipe;
  return instruction === "" ? rest : { ...rest, queryInstruction: instruction };
}

/** A recipe in another mode; routers have none. */
export function withMode(recipe: Recipe, mode: TrainingMode): Recipe {
  if (recipe.task === "router") return recipe;
  return { ...recipe, settings: { ...recipe.settings, mode } } as Recipe;
}

/** A recipe that starts from another model. */
export function withBase(recipe: Recipe, base: string): Recipe {
  return recipe.task === "adapter" ? recipe : { ...recipe, base };
}

/** The instruction that a recipe has or may take: its own, else that of the encoder it starts from. "" where there is none. */
export function instructionFor(
  recipe: Recipe,
  offer: RecipeOffer | undefined,
  { encoder, encoders }: { readonly encoder: EncoderView | null; readonly encoders: readonly EncoderView[] },
): string {
  const own = recipe.task === "encoder" || recipe.task === "lora";
  const base = own ? (recipe.base ?? offer?.bases[0]) : undefined;
  const start = base === undefined ? encoder : encoders.find(({ id }) => id === base);
  return instructionIn(recipe) ?? start?.queryInstruction ?? "";
}

/** The settings of an adapter run; null for the other tasks. */
export function adapterSettings({ recipe }: RunSummary): AdapterSettings | null {
  return recipe.task === "adapter" ? recipe.settings : null;
}

/** What a run trained, in a line; `name` is that of its task. */
export function describeRun(run: RunSummary, name: string): string {
  const settings = adapterSettings(run);
  return settings ? `${name}, ${describeAdapter(settings.adapter)}` : name;
}

/** The mode a run was trained in; routers have one way only. */
export function modeOf({ recipe }: RunSummary): TrainingMode {
  return "mode" in recipe.settings ? recipe.settings.mode : "recommended";
}

/** The instruction before every question of a run, or undefined. */
export function instructionOf({ recipe }: RunSummary): string | undefined {
  return instructionIn(recipe);
}

/** The instruction of a recipe, or undefined. */
export function instructionIn(recipe: Recipe): string | undefined {
  if (recipe.task === "adapter" || recipe.task === "router") return recipe.settings.queryInstruction;
  return recipe.task === "cross-encoder" ? undefined : recipe.queryInstruction;
}

/** Why a composed stack cannot run, or null. */
export function stackProblem(adapter: AdapterConfig): "empty" | "ends-elsewhere" | null {
  if (adapter.kind !== "custom") return null;
  const last = adapter.layers.at(-1);
  if (!last) return "empty";
  return last.features === adapter.features ? null : "ends-elsewhere";
}
