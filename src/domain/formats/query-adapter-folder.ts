// An encoder with an adapter on its query side, as one sentence-transformers folder (≥ 5.0) with one copy of the
// transformer: Transformer → Pooling [→ Normalize] → Router{query: [Dense …], document: []} → Normalize. encode_query goes
// through the adapter, encode and encode_document do not, so an index stays valid. Adapters are trained on vectors of length
// 1; only a linear one without bias gives the same direction without the first Normalize. trainers.md §0.7.
import { RetuneError } from "../../engine/errors.ts";
import type { Activation } from "../models/adapter-config.ts";
import type { EncoderModel } from "../models/encoder-model.ts";
import type { FolderFiles, StoredAdapter } from "./adapter-folder.ts";
import { denseStack, type DenseLayer } from "./dense-stack.ts";
import { FolderReader, jsonFile } from "./folder-reader.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";
import { MODULES, moduleType, readModules, type ModuleEntry } from "./sentence-transformers-config.ts";
import { readEncoderModules, writeSentenceTransformersFolder } from "./sentence-transformers-folder.ts";

const ROUTER = "router_config.json";
const CLASSES: Readonly<Record<Activation, string>> = {
  identity: "torch.nn.modules.linear.Identity",
  relu: "torch.nn.modules.activation.ReLU",
  leaky_relu: "torch.nn.modules.activation.LeakyReLU",
  gelu: "torch.nn.modules.activation.GELU",
  tanh: "torch.nn.modules.activation.Tanh",
  sigmoid: "torch.nn.modules.activation.Sigmoid",
};

/** The folder without its README. "unsupported" for a residual around tanh or sigmoid; E_MISMATCH for other dimensions. */
export function writeQueryAdapterFolder(
  model: EncoderModel,
  adapter: StoredAdapter,
): Map<string, Uint8Array> {
  const { config } = adapter;
  if (config.features !== model.config.hiddenSize) {
    const sizes = `${config.features} dimensions, the encoder has ${model.config.hiddenSize}`;
    throw new RetuneError(
      "E_MISMATCH",
      `the adapter is made for ${sizes}; choose the model it was trained with`,
    );
  }
  const kinds: ModuleEntry["kind"][] = ["Transformer", "Pooling", "Router", "Normalize"];
  if (!keepsDirection(adapter)) kinds.splice(2, 0, "Normalize");
  const modules = kinds.map((kind, index) => ({ kind, path: index === 0 ? "" : `${index}_${kind}` }));
  const files = writeSentenceTransformersFolder(model, modules);
  const router = modules.find(({ kind }) => kind === "Router")!.path;
  const layers = denseStack(adapter);
  const ids = layers.map((_, index) => `query_${index}_Dense`);
  const settings = {
    types: Object.fromEntries(ids.map((id) => [id, moduleType("Dense")])),
    structure: { query: ids, document: [] },
    parameters: { default_route: "document", allow_empty_key: true, route_mappings: {} },
  };
  files.set(`${router}/${ROUTER}`, jsonFile(settings));
  for (const [index, layer] of layers.entries()) {
    for (const [name, bytes] of denseFiles(layer)) files.set(`${router}/${ids[index]!}/${name}`, bytes);
  }
  return files;
}

/** Whether the adapter of a scaled vector is the scaled adapter of it. */
function keepsDirection({ config }: StoredAdapter): boolean {
  return config.kind === "linear" && !config.bias;
}

function denseFiles({ weight, bias, activation }: DenseLayer): readonly (readonly [string, Uint8Array])[] {
  const [outputs, inputs] = weight.shape as [number, number];
  const config = {
    in_features: inputs,
    out_features: outputs,
    bias: bias !== undefined,
    activation_function: CLASSES[activation],
  };
  const weights = new Map([["linear.weight", weight]]);
  if (bias) weights.set("linear.bias", bias);
  return [
    ["config.json", jsonFile(config)],
    ["model.safetensors", writeSafetensors(weights)],
  ];
}

export interface ReadQueryAdapter {
  readonly model: EncoderModel;
  readonly adapter: StoredAdapter; // of unit vectors
  readonly notes: readonly string[];
}

/**
 * Reads such a folder of ours or of others, in either layout. One Dense without activation is a linear adapter, more are a
 * custom stack. "unsupported" where documents are changed too, or the adapter sees vectors of another length than 1.
 */
export function readQueryAdapterFolder(files: FolderFiles, name: string, folder?: string): ReadQueryAdapter {
  const reader = new FolderReader(files, folder);
  const modules = readModules(reader);
  const kinds = modules.map(({ kind }) => kind).join(" → ");
  const shape = /^Transformer → Pooling( → Normalize)? → Router( → Normalize)?$/.exec(kinds);
  if (!shape) {
    const what = `the modules are ${kinds}, not Transformer → Pooling → Router → Normalize`;
    throw reader.refusal("unsupported", MODULES, what);
  }
  const router = modules.find(({ kind }) => kind === "Router")!.path;
  const adapter = adapterOf(readDenseStack(reader, router));
  if (shape[1] === undefined && !keepsDirection(adapter)) {
    const what = "an adapter with bias or activation before Normalize sees vectors of any length";
    throw reader.refusal("unsupported", MODULES, what);
  }
  const { model, notes } = readEncoderModules(reader, modules, name);
  return { model, adapter, notes };
}

function readDenseStack(reader: FolderReader, router: string): readonly DenseLayer[] {
  const path = `${router}/${ROUTER}`;
  const structure = reader.fields(path).fields("structure");
  const [query, document] = [structure?.texts("query", []) ?? [], structure?.texts("document", []) ?? []];
  if (query.length === 0 || document.length > 0) {
    const what = `${query.length} modules for queries and ${document.length} for documents`;
    throw reader.refusal("unsupported", path, `${what}; an adapter of queries has none for documents`);
  }
  return query.map((id) => readDense(reader, `${router}/${id}`));
}

function readDense(reader: FolderReader, path: string): DenseLayer {
  const config = reader.fields(`${path}/config.json`);
  const given = config.text("activation_function", CLASSES.tanh); // Dense's own default
  const known = (Object.keys(CLASSES) as Activation[]).find((key) => CLASSES[key] === given);
  if (!known)
    throw config.error("activation_function", `${given.slice(0, 80)} cannot be computed`, "unsupported");
  const file = `${path}/model.safetensors`;
  const { tensors } = readSafetensors(reader.bytes(file), reader.shown(file));
  const shape = [config.size("out_features"), config.size("in_features")];
  const [weight, bias] = [tensors.get("linear.weight"), tensors.get("linear.bias")];
  if (weight?.shape.join() !== shape.join() || (bias && bias.shape.join() !== String(shape[0]))) {
    throw reader.refusal(
      "E_MISMATCH",
      file,
      `linear.weight is not the [${shape.join(", ")}] of its config.json`,
    );
  }
  return { weight, bias, activation: known };
}

function adapterOf(layers: readonly DenseLayer[]): StoredAdapter {
  const features = layers[0]!.weight.shape[1]!;
  const [only] = layers;
  if (layers.length === 1 && only!.activation === "identity" && only!.weight.shape[0] === features) {
    const weights = new Map([["linear.weight", only!.weight]]);
    if (only!.bias) weights.set("linear.bias", only!.bias);
    return { config: { kind: "linear", features, bias: only!.bias !== undefined }, weights };
  }
  const stack = layers.map(({ weight, bias, activation }) => ({
    features: weight.shape[0]!,
    activation,
    bias: bias !== undefined,
  }));
  const weights = new Map(
    layers.flatMap(({ weight, bias }, index) => [
      [`linear_layers.${index}.weight`, weight] as const,
      ...(bias ? [[`linear_layers.${index}.bias`, bias] as const] : []),
    ]),
  );
  return { config: { kind: "custom", features, layers: stack, residual: false }, weights };
}
