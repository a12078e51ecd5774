// config.json of an adapter folder. LlamaIndex rebuilds the module as cls(**config), so no key may be added: linear and
// two-layer keep LinearLayer's and TwoLayerNN's keys and order. A custom stack has no class there; its config is
//   {"kind": "custom", "in_features": n, "out_features": n,
//    "layers": [{"out_features": m, "activation": "relu", "bias": true}, …], "add_residual": false}
// with tensors linear_layers.N.weight [out, in], linear_layers.N.bias, and residual_weight [1] first if it is residual;
// docs/guide has the Python class that takes it: y = r·f(x) + x, f = activation(W x + b) layer after layer.
import { RetuneError } from "../../engine/errors.ts";
import { opening, placeIn } from "../data/import-report.ts";
import type { Activation, AdapterConfig, CustomLayer } from "../models/adapter-config.ts";
import { checkAdapterConfig } from "../models/adapter-weights.ts";
import { parseJson, type JsonDocument, type JsonNode } from "./json.ts";
import { pythonJson } from "./python-json.ts";

const ACTIVATIONS: readonly Activation[] = ["relu", "tanh", "sigmoid", "leaky_relu", "gelu", "identity"];
const LLAMAINDEX_ACTIVATIONS: readonly Activation[] = ["relu", "tanh", "sigmoid", "leaky_relu"];

/** The bytes LlamaIndex's adapter.save writes (for a custom stack: our own, in the same style). */
export function writeAdapterConfig(config: AdapterConfig): string {
  checkAdapterConfig(config);
  const sizes = { in_features: config.features, out_features: config.features };
  if (config.kind === "linear") return pythonJson({ ...sizes, bias: config.bias });
  if (config.kind === "custom") {
    const layers = config.layers.map(({ features, activation, bias }) => ({
      out_features: features,
      activation,
      bias,
    }));
    return pythonJson({ kind: "custom", ...sizes, layers, add_residual: config.residual });
  }
  return pythonJson({
    in_features: config.features,
    hidden_features: config.hiddenFeatures,
    out_features: config.features,
    bias: config.bias,
    activation_fn_str: config.activation,
    add_residual: config.residual,
  });
}

/** Whether LlamaIndex's own classes take the adapter; else the Python class of the guide is needed. */
export function isLlamaIndexAdapter(config: AdapterConfig): boolean {
  if (config.kind === "two-layer") return LLAMAINDEX_ACTIVATIONS.includes(config.activation);
  return config.kind === "linear";
}

/** Why LlamaIndex's own classes do not take the adapter, as the start of a sentence; undefined where they do. */
export function llamaIndexObstacle(config: AdapterConfig): string | undefined {
  if (isLlamaIndexAdapter(config)) return undefined;
  return config.kind === "two-layer"
    ? `LlamaIndex's own TwoLayerNN cannot load this adapter, it has no "${config.activation}"`
    : "LlamaIndex's own classes cannot load this adapter, it is a stack of its own";
}

/** Reads any of the three. E_FIELD with line and column for a wrong key, E_MISMATCH where vectors would change size. */
export function readAdapterConfig(text: string, file?: string): AdapterConfig {
  return new ConfigReader(parseJson(text, file), file).read();
}

class ConfigReader {
  private readonly document: JsonDocument;
  private readonly file: string | undefined;

  constructor(document: JsonDocument, file: string | undefined) {
    this.document = document;
    this.file = file;
  }

  read(): AdapterConfig {
    const { root } = this.document;
    if (root.kind !== "object")
      throw this.error(root, "expected an object with in_features and out_features");
    const features = this.size(root, "in_features");
    const outputs = this.size(root, "out_features");
    if (features !== outputs) {
      const message =
        `${opening(this.file)}the adapter turns ${features} dimensions into ${outputs}; ` +
        "passages are not transformed, so their vectors would no longer match";
      throw new RetuneError("E_MISMATCH", message, placeIn(this.file));
    }
    const config = this.kind(root, features);
    this.checkSizes(config);
    return config;
  }

  private kind(root: JsonNode, features: number): AdapterConfig {
    if (this.get(root, "layers")) {
      return {
        kind: "custom",
        features,
        layers: this.layers(root),
        residual: this.flag(root, "add_residual", false),
      };
    }
    if (!this.get(root, "hidden_features"))
      return { kind: "linear", features, bias: this.flag(root, "bias", false) };
    return {
      kind: "two-layer",
      features,
      hiddenFeatures: this.size(root, "hidden_features"),
      activation: this.activation(root, "activation_fn_str"),
      residual: this.flag(root, "add_residual", false),
      bias: this.flag(root, "bias", false),
    };
  }

  private layers(root: JsonNode): CustomLayer[] {
    const node = this.get(root, "layers")!;
    if (node.kind !== "array" || node.items.length === 0 || node.items.length > 64) {
      throw this.error(node, "layers must be a list of 1 to 64 layers");
    }
    return node.items.map((layer) => ({
      features: this.size(layer, "out_features"),
      activation: this.activation(layer, "activation"),
      bias: this.flag(layer, "bias", true),
    }));
  }

  private size(node: JsonNode, key: string): number {
    const member = this.get(node, key);
    const value = member?.kind === "number" ? member.value : NaN;
    if (Number.isInteger(value) && value >= 1 && value <= 65_536) return value;
    throw this.error(member ?? node, `${key} must be a whole number from 1 to 65536`);
  }

  private flag(node: JsonNode, key: string, absent: boolean): boolean {
    const member = this.get(node, key);
    if (!member) return absent;
    if (member.kind === "boolean") return member.value;
    throw this.error(member, `${key} must be true or false`);
  }

  private activation(node: JsonNode, key: string): Activation {
    const member = this.get(node, key);
    if (!member) return "relu";
    const found = ACTIVATIONS.find((name) => member.kind === "string" && member.value === name);
    if (found) return found;
    throw this.error(member, `${key} must be one of ${ACTIVATIONS.join(", ")}`);
  }

  private get(node: JsonNode, key: string): JsonNode | undefined {
    return node.kind === "object" ? node.entries.get(key) : undefined;
  }

  private checkSizes(config: AdapterConfig): void {
    try {
      checkAdapterConfig(config);
    } catch (error) {
      throw error instanceof RetuneError
        ? new RetuneError("E_MISMATCH", error.message, placeIn(this.file))
        : error;
    }
  }

  private error(node: JsonNode, what: string): RetuneError {
    const { line, column } = this.document.placeOf(node.at);
    const message = `${opening(this.file)}line ${line}, column ${column}: ${what}`;
    return new RetuneError("E_FIELD", message, placeIn(this.file, { line: line!, column: column! }));
  }
}
