import type { Recipe, SettingField } from "../app/studio-training.ts";

type Settings = Recipe["settings"];
export type SettingValue = number | string | boolean | readonly number[] | readonly string[];

/** The value a person fixed at "lora.rank", or undefined where it is left to the run. */
export function settingAt(settings: Settings, path: string): SettingValue | undefined {
  let value: unknown = settings;
  for (const key of path.split(".")) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value as SettingValue | undefined;
}

/** The settings with one value fixed, or left to the run again where it is null; a part that gets empty goes too. */
export function withSetting<T extends Settings>(settings: T, path: string, value: SettingValue | null): T {
  return changed(settings as unknown as Readonly<Record<string, unknown>>, path.split("."), value) as T;
}

function changed(
  part: Readonly<Record<string, unknown>>,
  [key, ...rest]: readonly string[],
  value: SettingValue | null,
): Readonly<Record<string, unknown>> {
  const inner = part[key!];
  const child = typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>) : {};
  const next = rest.length > 0 ? changed(child, rest, value) : value;
  const gone = next === null || (rest.length > 0 && Object.keys(next as object).length === 0);
  const others = Object.entries(part).filter(([name]) => name !== key);
  return Object.fromEntries(gone ? others : [...others, [key!, next]]);
}

/** The fields a person has changed. A loss that is fixed by its scale alone would have no kind: see `withLossKind`. */
export function changedFields(settings: Settings, fields: readonly SettingField[]): readonly SettingField[] {
  return fields.filter(({ path, values }) => {
    const value = settingAt(settings, path);
    return value !== undefined && value !== values.recommended;
  });
}

/** A loss needs its kind: fixing only its scale or margin names the default kind with it. */
export function withLossKind<T extends Settings>(settings: T, fields: readonly SettingField[]): T {
  const kind = fields.find(({ path }) => path === "loss.kind")?.values.recommended;
  const loss = settingAt(settings, "loss");
  if (typeof kind !== "string" || typeof loss !== "object" || "kind" in loss) return settings;
  return withSetting(settings, "loss.kind", kind);
}

/** "384, 192" as numbers; null where it is none. */
export function numbersIn(text: string): readonly number[] | null {
  const numbers = text
    .split(/[,;\s]+/)
    .filter((part) => part !== "")
    .map(Number);
  return numbers.length > 0 && numbers.every((value) => Number.isInteger(value) && value > 0)
    ? numbers
    : null;
}
