// Frequencies of rotary positions (Su et al. 2021): pair i of a head turns by position · f[i],  f[i] = θ^(−2i/Dh).
// Scaled for longer contexts, as transformers' modeling_rope_utils:
//   linear   f / factor
//   llama3   with wavelength w = 2π/f and the original context C:  f where w < C/high,  f/factor where w > C/low,
//            between them (1 − s)·f/factor + s·f,  s = (C/w − low) / (high − low)
import { RetuneError } from "../../../engine/errors.ts";

export interface RopeSettings {
  readonly theta: number;
  readonly scaling: RopeScaling | undefined;
}

export type RopeScaling =
  | { readonly type: "linear"; readonly factor: number }
  | {
      readonly type: "llama3";
      readonly factor: number;
      readonly low: number; // low_freq_factor
      readonly high: number; // high_freq_factor
      readonly original: number; // original_max_position_embeddings
    };

type Raw = Readonly<Record<string, unknown>>;

/** From "rope_parameters" (transformers 5) or "rope_theta" and "rope_scaling" (before). Throws "unsupported" or E_FIELD. */
export function ropeOf(raw: Raw, file: string): RopeSettings {
  const scaling = recordOf(raw["rope_parameters"]) ?? recordOf(raw["rope_scaling"]) ?? {};
  const theta = numberOf({ rope_theta: raw["rope_theta"] ?? 10_000, ...scaling }, "rope_theta", file);
  return { theta, scaling: scalingOf(scaling, file) };
}

function scalingOf(record: Raw, file: string): RopeScaling | undefined {
  const type = record["rope_type"] ?? record["type"] ?? "default";
  const value = (key: string): number => numberOf(record, key, file);
  if (type === "default") return undefined;
  if (type === "linear") return { type, factor: value("factor") };
  if (type === "llama3") {
    const [low, high] = [value("low_freq_factor"), value("high_freq_factor")];
    return { type, factor: value("factor"), low, high, original: value("original_max_position_embeddings") };
  }
  const text = `rope_type is ${JSON.stringify(type)}; default, linear and llama3 are supported`;
  throw new RetuneError("unsupported", `${file}: ${text}`, { file });
}

function recordOf(value: unknown): Raw | undefined {
  return typeof value === "object" && value !== null ? (value as Raw) : undefined;
}

function numberOf(record: Raw, key: string, file: string): number {
  const value = record[key];
  if (typeof value === "number" && value > 0 && Number.isFinite(value)) return value;
  const text = `${key} is ${JSON.stringify(value)}, expected a number above 0`;
  throw new RetuneError("E_FIELD", `${file}: ${text}`, { file });
}

/** Dh/2 frequencies, in radians a position. */
export function rotaryFrequencies({ theta, scaling }: RopeSettings, headSize: number): Float64Array {
  const plain = Float64Array.from({ length: headSize / 2 }, (_, pair) => theta ** ((-2 * pair) / headSize));
  return scaling ? plain.map((frequency) => scaled(frequency, scaling)) : plain;
}

function scaled(frequency: number, scaling: RopeScaling): number {
  if (scaling.type === "linear") return frequency / scaling.factor;
  const { factor, low, high, original } = scaling;
  const turns = (original * frequency) / (2 * Math.PI); // in the original context: C/w
  if (turns > high) return frequency;
  if (turns < low) return frequency / factor;
  const smooth = (turns - low) / (high - low);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}

/** What `rotary` reads: [positions, Dh], Dh/2 cosines and then Dh/2 sines of each position, computed in float64. */
export function rotaryTable(settings: RopeSettings, headSize: number, positions: number): Float32Array {
  const frequencies = rotaryFrequencies(settings, headSize);
  const half = headSize / 2;
  const table = new Float32Array(positions * headSize);
  for (let position = 0; position < positions; position++) {
    for (let pair = 0; pair < half; pair++) {
      const angle = position * frequencies[pair]!;
      table[position * headSize + pair] = Math.cos(angle);
      table[position * headSize + half + pair] = Math.sin(angle);
    }
  }
  return table;
}
