// A BERT as an ONNX graph of our own (opset 17), for models without one: names of nodes and anonymous [in, out] weights as
// torch's exporter gives them, so that every reader of such exports finds the weights. Shapes: B texts, T tokens, D hidden.
//   h = LN(word + type + position);  per layer: h = LN(h + Wo·softmax(q·kᵀ/√Dh + mask)·v), h = LN(h + W2·gelu(W1·h))
import type { BertConfig } from "../../models/bert/config.ts";
import {
  CLASSIFIER,
  EMBEDDINGS_NORM,
  layerPart,
  POOLER,
  POSITION_EMBEDDINGS,
  TYPE_EMBEDDINGS,
  WORD_EMBEDDINGS,
} from "../../models/bert/names.ts";
import type { NamedWeights } from "../../models/encoder-model.ts";
import { transposedValues } from "../../models/weights/onnx-names.ts";
import {
  bytesOf,
  DATA_TYPE,
  draftNode,
  valueInfo,
  type DraftNode,
  type DraftTensor,
  type OnnxDraft,
} from "./onnx-draft.ts";
import { ProtoMessage } from "./protobuf.ts";

const OPSET = 17;
const IR_VERSION = 8;
const LOWEST = -3.4028234663852886e38; // float32's, where a key is masked, as torch exports it

/** input_ids, attention_mask, token_type_ids [B, T] → last_hidden_state [B, T, D]; with `head`: logits [B, 1]. */
export function bertOnnx(config: BertConfig, weights: NamedWeights, head: boolean): OnnxDraft {
  const graph = new GraphWriter(weights, config);
  const hidden = graph.encoder();
  const [result, shape] = head
    ? [graph.head(hidden), ["batch_size", 1]]
    : [graph.named(hidden, "last_hidden_state"), ["batch_size", "sequence_length", config.hiddenSize]];
  const inputs = ["input_ids", "attention_mask", "token_type_ids"].map((name) =>
    valueInfo(name, DATA_TYPE.int64, ["batch_size", "sequence_length"]),
  );
  const fields = new ProtoMessage().text(2, "retune");
  for (const input of inputs) fields.message(11, input);
  fields.message(12, valueInfo(result, DATA_TYPE.float, shape));
  const model = new ProtoMessage().integer(1, IR_VERSION).text(2, "retune");
  model.message(8, new ProtoMessage().text(1, "").integer(2, OPSET));
  return {
    opset: OPSET,
    modelFields: [model.finish()],
    graphFields: [fields.finish()],
    outputNames: [result],
    nodes: graph.nodes,
    tensors: graph.tensors,
  };
}

class GraphWriter {
  readonly nodes: DraftNode[] = [];
  readonly tensors = new Map<string, DraftTensor>();
  private readonly weights: NamedWeights;
  private readonly config: BertConfig;

  constructor(weights: NamedWeights, config: BertConfig) {
    this.weights = weights;
    this.config = config;
  }

  encoder(): string {
    const mask = this.mask();
    let hidden = this.embeddings();
    for (let layer = 0; layer < this.config.layers; layer++) hidden = this.layer(layer, hidden, mask);
    return hidden;
  }

  /** pooler of the first token, tanh, classifier → "logits". */
  head(hidden: string): string {
    const first = this.add("Gather", "/bert/pooler/Gather", [hidden, this.whole("first", [], 0)], {
      axis: 1,
    });
    const pooled = this.add("Tanh", "/bert/pooler/activation/Tanh", [this.linear(POOLER, first)]);
    return this.named(this.linear(CLASSIFIER, pooled), "logits");
  }

  named(value: string, name: string): string {
    this.nodes.push(draftNode("Identity", `/${name}`, [value], [name]));
    return name;
  }

  private embeddings(): string {
    const at = "/embeddings";
    const words = this.add("Gather", `${at}/word_embeddings/Gather`, [
      this.weight(WORD_EMBEDDINGS),
      "input_ids",
    ]);
    const types = this.add("Gather", `${at}/token_type_embeddings/Gather`, [
      this.weight(TYPE_EMBEDDINGS),
      "token_type_ids",
    ]);
    const shape = this.add("Shape", `${at}/Shape`, ["input_ids"]);
    const length = this.add("Gather", `${at}/Gather`, [shape, this.whole("second", [], 1)]);
    const range = [this.whole("zero", [], 0), length, this.whole("one", [], 1)];
    const places = this.add("Range", `${at}/Range`, range);
    const positions = this.add("Gather", `${at}/position_embeddings/Gather`, [
      this.weight(POSITION_EMBEDDINGS),
      places,
    ]);
    const sum = this.add("Add", `${at}/Add`, [words, types]);
    return this.norm(EMBEDDINGS_NORM, this.add("Add", `${at}/Add_1`, [sum, positions]));
  }

  /** attention_mask → [B, 1, 1, T]: 0 where a token is read, the lowest number where it is padding. */
  private mask(): string {
    const axes = this.whole("mask_axes", [2], 1, 2);
    const real = this.add("Cast", "/Cast", ["attention_mask"], { to: DATA_TYPE.float });
    const wide = this.add("Unsqueeze", "/Unsqueeze", [real, axes]);
    const padding = this.add("Sub", "/Sub", [this.real("mask_one", 1), wide]);
    return this.add("Mul", "/Mul", [padding, this.real("mask_low", LOWEST)]);
  }

  private layer(index: number, hidden: string, mask: string): string {
    const part = (name: string) => layerPart(index, name);
    const context = this.attention(index, hidden, mask);
    const attended = this.linear(part("attention.output.dense"), context);
    const middle = this.norm(
      part("attention.output.LayerNorm"),
      this.add("Add", this.path(part("attention.output"), "Add"), [attended, hidden]),
    );
    const wide = this.activation(part("intermediate"), this.linear(part("intermediate.dense"), middle));
    const narrow = this.linear(part("output.dense"), wide);
    const sum = this.add("Add", this.path(part("output"), "Add"), [narrow, middle]);
    return this.norm(part("output.LayerNorm"), sum);
  }

  private attention(index: number, hidden: string, mask: string): string {
    const { heads, hiddenSize } = this.config;
    const part = layerPart(index, "attention.self");
    const split = this.whole("heads", [4], 0, 0, heads, hiddenSize / heads);
    const headed = (name: string, perm: readonly number[]): string => {
      const rows = this.linear(`${part}.${name}`, hidden);
      const shaped = this.add("Reshape", this.path(`${part}.${name}`, "Reshape"), [rows, split]);
      return this.add("Transpose", this.path(`${part}.${name}`, "Transpose"), [shaped], { perm });
    };
    const [q, k, v] = [
      headed("query", [0, 2, 1, 3]),
      headed("key", [0, 2, 3, 1]),
      headed("value", [0, 2, 1, 3]),
    ];
    const path = (name: string) => this.path(part, name);
    const products = this.add("MatMul", path("MatMul"), [q, k]);
    const scale = this.real("scale", Math.sqrt(hiddenSize / heads));
    const scaled = this.add("Div", path("Div"), [products, scale]);
    const masked = this.add("Add", path("Add"), [scaled, mask]);
    const shares = this.add("Softmax", path("Softmax"), [masked], { axis: -1 });
    const mixed = this.add("MatMul", path("MatMul_1"), [shares, v]);
    const turned = this.add("Transpose", path("Transpose"), [mixed], { perm: [0, 2, 1, 3] });
    return this.add("Reshape", path("Reshape"), [turned, this.whole("merge", [3], 0, 0, hiddenSize)]);
  }

  private activation(name: string, x: string): string {
    const path = (operation: string) => this.path(`${name}.intermediate_act_fn`, operation);
    if (this.config.activation === "relu") return this.add("Relu", path("Relu"), [x]);
    const inner = this.add("Div", path("Div"), [x, this.real("root_two", Math.SQRT2)]);
    const error = this.add("Add", path("Add"), [
      this.add("Erf", path("Erf"), [inner]),
      this.real("act_one", 1),
    ]);
    const product = this.add("Mul", path("Mul"), [x, error]);
    return this.add("Mul", path("Mul_1"), [product, this.real("half", 0.5)]);
  }

  /** x·W + b with W [in, out] anonymous, as torch exports it. */
  private linear(name: string, x: string): string {
    const { shape, values } = this.weights.get(`${name}.weight`)!;
    const [outputs, inputs] = shape as [number, number];
    const stored = `onnx::MatMul_${this.tensors.size}`;
    const turned = transposedValues(values, outputs, inputs);
    this.tensors.set(stored, { kind: "weight", shape: [inputs, outputs], values: turned });
    const product = this.add("MatMul", this.path(name, "MatMul"), [x, stored]);
    return this.add("Add", this.path(name, "Add"), [this.weight(`${name}.bias`), product]);
  }

  private norm(name: string, x: string): string {
    const inputs = [x, this.weight(`${name}.weight`), this.weight(`${name}.bias`)];
    const output = `${this.path(name, "LayerNormalization")}_output_0`;
    const path = this.path(name, "LayerNormalization");
    const epsilon = this.config.layerNormEpsilon;
    this.nodes.push(draftNode("LayerNormalization", path, inputs, [output], { axis: -1 }, { epsilon }));
    return output;
  }

  private add(
    operation: string,
    path: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, number | readonly number[]>> = {},
  ): string {
    const output = `${path}_output_0`;
    this.nodes.push(draftNode(operation, path, inputs, [output], attributes));
    return output;
  }

  /** "encoder.layer.0.output", "Add" → "/encoder/layer.0/output/Add". */
  private path(name: string, operation: string): string {
    return `/${name.replaceAll(".", "/").replace("/layer/", "/layer.")}/${operation}`;
  }

  private weight(name: string): string {
    const { shape, values } = this.weights.get(name)!;
    this.tensors.set(name, { kind: "weight", shape, values });
    return name;
  }

  private real(name: string, value: number): string {
    const bytes = bytesOf(Float32Array.of(value));
    this.tensors.set(`const_${name}`, { kind: "data", type: DATA_TYPE.float, shape: [], bytes });
    return `const_${name}`;
  }

  private whole(name: string, shape: readonly number[], ...values: readonly number[]): string {
    const bytes = bytesOf(BigInt64Array.from(values, BigInt));
    this.tensors.set(`const_${name}`, { kind: "data", type: DATA_TYPE.int64, shape, bytes });
    return `const_${name}`;
  }
}
