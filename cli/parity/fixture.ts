import { readdir } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import type { AdapterConfig } from "../../src/domain/models/adapter-config.ts";
import { parameterShapes, trainableNames } from "../../src/domain/models/adapter-weights.ts";
import type { TensorData, Weights } from "../../src/domain/matrix.ts";
import { readSafetensors } from "../../src/domain/formats/safetensors.ts";
import { RetuneError } from "../../src/engine/errors.ts";
import { readBytes, readText } from "../ports/files.ts";
import { decoderFixture, type DecoderFixture } from "./decoder-fixture.ts";
import { sequenceFixture, type SequenceFixture } from "./sequence-fixture.ts";

/** A recorded training run: `NAME.json` (settings, losses) beside `NAME.safetensors` (init, gradients, final weights). */
export interface AdapterFixture {
  readonly kind: "adapter";
  readonly settings: AdapterFixtureSettings;
  readonly adapter: AdapterConfig;
  readonly tensors: ReadonlyMap<string, TensorData>;
}

const numbers = v.array(v.number());
const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const settingsSchema = v.object({
  kind: v.literal("adapter"),
  dim: count,
  n: count,
  batch: count,
  epochs: count,
  lr: v.number(),
  scale: v.optional(v.number(), 20),
  betas: v.optional(v.tuple([v.number(), v.number()]), [0.9, 0.999]),
  eps: v.optional(v.number(), 1e-8),
  weight_decay: v.optional(v.number(), 0.01),
  max_grad_norm: v.optional(v.nullable(v.number()), 1),
  warmup_steps: v.optional(v.number(), 0),
  total_steps: v.optional(v.number()),
  config: v.object({
    in_features: v.number(),
    out_features: v.number(),
    hidden_features: v.optional(v.number()),
    bias: v.optional(v.boolean(), false),
    activation_fn_str: v.optional(v.string(), "relu"),
    add_residual: v.optional(v.boolean(), false),
  }),
  losses: numbers,
  grad_norms_before_clip: v.optional(numbers),
  lrs: v.optional(numbers),
  learning_rates: v.optional(numbers),
});

export type AdapterFixtureSettings = v.InferOutput<typeof settingsSchema>;

/** One fixture of a folder: replayable, or the reason why it is not. */
export type FixtureEntry =
  | { readonly name: string; readonly fixture: AdapterFixture | SequenceFixture | DecoderFixture }
  | { readonly name: string; readonly problem: string };

/** All fixtures of a folder, by name. Throws "usage" where there is none. */
export async function readFixtures(folder: string): Promise<readonly FixtureEntry[]> {
  const files = await readdir(folder).catch((error: unknown) => {
    throw new RetuneError("usage", `${folder} cannot be read: ${String(error)}`, { file: folder });
  });
  // Tensors without their settings are a damaged fixture, not nothing.
  const named = files.map((file) => /^(.*)\.(?:json|safetensors)$/.exec(file)?.[1]);
  const names = [...new Set(named.filter((name) => name !== undefined))];
  if (names.length === 0) {
    throw new RetuneError("usage", `${folder} holds no fixture: expected NAME.json beside NAME.safetensors`);
  }
  return Promise.all(names.sort().map((name) => readFixture(folder, name)));
}

async function readFixture(folder: string, name: string): Promise<FixtureEntry> {
  try {
    const raw: unknown = JSON.parse(await readText(join(folder, `${name}.json`)));
    const kind = v.is(v.object({ kind: v.string() }), raw) ? raw.kind : undefined;
    if (kind === undefined) return { name, problem: 'the file has no "kind"' };
    if (kind === "encoder" || kind === "cross-encoder" || kind === "decoder-lora") {
      const file = join(folder, `${name}.safetensors`);
      const recorded = readSafetensors(await readBytes(file), file);
      const fixture =
        kind === "decoder-lora" ? decoderFixture(raw, recorded) : sequenceFixture(raw, recorded);
      return { name, fixture };
    }
    if (kind !== "adapter") return { name, problem: `kind "${kind}" is not built yet` };
    const result = v.safeParse(settingsSchema, raw);
    if (!result.success) {
      const issue = result.issues[0];
      return { name, problem: `${v.getDotPath(issue) ?? "file"}: ${issue.message}` };
    }
    const file = join(folder, `${name}.safetensors`);
    const tensors = readSafetensors(await readBytes(file), file).tensors;
    const adapter = adapterOf(result.output);
    const problem = damageOf(result.output, adapter, tensors);
    if (problem !== undefined) return { name, problem };
    return { name, fixture: { kind, settings: result.output, adapter, tensors } };
  } catch (error) {
    return { name, problem: error instanceof Error ? error.message : String(error) };
  }
}

const ACTIVATIONS = ["relu", "tanh", "sigmoid", "leaky_relu", "gelu", "identity"] as const;

function adapterOf({ config }: AdapterFixtureSettings): AdapterConfig {
  const { in_features: features, hidden_features: hiddenFeatures, bias } = config;
  if (features !== config.out_features) {
    throw new RetuneError(
      "unsupported",
      `in_features ${features} and out_features ${config.out_features} differ`,
    );
  }
  if (hiddenFeatures === undefined) return { kind: "linear", features, bias };
  const activation = ACTIVATIONS.find((known) => known === config.activation_fn_str);
  if (!activation)
    throw new RetuneError("unsupported", `activation "${config.activation_fn_str}" is not known`);
  return { kind: "two-layer", features, hiddenFeatures, activation, bias, residual: config.add_residual };
}

/** What is missing or misshapen, so that a comparison with nothing never passes; undefined where all is there. */
function damageOf(
  { dim, n, batch, epochs, losses }: AdapterFixtureSettings,
  adapter: AdapterConfig,
  tensors: Weights,
): string | undefined {
  const steps = epochs * Math.ceil(n / batch);
  if (losses.length !== steps) {
    return `losses: ${losses.length} numbers, but ${epochs} epochs of ${n} rows in batches of ${batch} are ${steps} steps`;
  }
  if (dim !== adapter.features) return `dim: ${dim}, but config.in_features is ${adapter.features}`;
  const shapes = parameterShapes(adapter);
  const expected: [string, readonly number[]][] = ["q", "d", "out"].map((name) => [name, [n, dim]]);
  for (const name of trainableNames(adapter)) {
    for (const prefix of ["init", "grad1", "final"]) expected.push([`${prefix}.${name}`, shapes.get(name)!]);
  }
  for (const [name, shape] of expected) {
    const found = tensors.get(name)?.shape;
    if (!found) return `the safetensors file has no tensor "${name}"`;
    if (found.join() !== shape.join()) {
      return `tensor "${name}" has shape [${found.join(", ")}], expected [${shape.join(", ")}]`;
    }
  }
  return undefined;
}
