// Smaller files of the same graph, in ways that every onnxruntime loads:
//   fp16  matrices stored as float16 with a Cast before their use; folded to float32 when the session opens, so half the
//         download, the same speed, and no device feature (shader-f16) is asked for.
//   int8  what onnxruntime's quantize_dynamic writes and transformers.js calls "q8": MatMul by int8 weights (7 bits, one
//         scale a column) with DynamicQuantizeLinear on its input, MatMulInteger, Cast, Mul. onnxruntime-web's wasm has
//         kernels for these; 7 bits because u8·s8 sums saturate on processors without VNNI. Two parts are stored as int8
//         and computed in float32: tables of Gather (one scale a row; only rows that are read are turned back), and
//         matrices that narrow (the second of a feed-forward block), whose inputs, the outputs of GELU, have outliers
//         that one scale for all activations does not survive. bge-small, 24 texts of up to 256 tokens, cosine to fp32:
//         least 0.9933, mean 0.9969 (all dynamic: 0.9820, 0.9944; all weight-only: 0.9992, 0.9997); processor time of
//         4 × 128 tokens in onnxruntime-web's wasm, one thread: 0.59 s (fp32 and weight-only 0.88 s, all dynamic 0.46 s).
import {
  bytesOf,
  DATA_TYPE,
  draftNode,
  type DraftNode,
  type DraftTensor,
  type OnnxDraft,
} from "./onnx-draft.ts";
import { halfBits } from "./half.ts";

export type OnnxPrecision = "fp32" | "fp16" | "int8";

/** The draft with its weights in another precision. */
export function withPrecision(draft: OnnxDraft, precision: OnnxPrecision): OnnxDraft {
  if (precision === "fp32") return draft;
  return precision === "fp16" ? halved(draft) : quantised(draft);
}

function halved(draft: OnnxDraft): OnnxDraft {
  const tensors = new Map<string, DraftTensor>();
  const casts: DraftNode[] = [];
  for (const [name, tensor] of draft.tensors) {
    if (tensor.kind !== "weight" || tensor.shape.length !== 2) {
      tensors.set(name, tensor);
      continue;
    }
    const { shape, values } = tensor;
    const stored = `${name}_fp16`;
    tensors.set(stored, { kind: "data", type: DATA_TYPE.half, shape, bytes: bytesOf(halfBits(values)) });
    casts.push(draftNode("Cast", `${stored}_Cast`, [stored], [name], { to: DATA_TYPE.float }));
  }
  return { ...draft, tensors, nodes: [...casts, ...draft.nodes] };
}

function quantised(draft: OnnxDraft): OnnxDraft {
  const writer = new Quantiser(draft);
  return { ...draft, nodes: draft.nodes.flatMap((node) => writer.replaced(node)), tensors: writer.tensors };
}

const DYNAMIC_LEVELS = 63; // 7 bits with sign
const STORED_LEVELS = 127;

class Quantiser {
  readonly tensors: Map<string, DraftTensor>;
  private readonly inputs = new Set<string>(); // activations that are quantised already

  constructor(draft: OnnxDraft) {
    this.tensors = new Map(draft.tensors);
  }

  /** The nodes that take a node's place: itself, where it uses no matrix of weights. */
  replaced(node: DraftNode): readonly DraftNode[] {
    if (node.operation === "MatMul") return this.matmul(node);
    return node.operation === "Gather" ? this.gather(node) : [node];
  }

  private matmul(node: DraftNode): readonly DraftNode[] {
    const [x, weight] = [node.inputs[0]!, node.inputs[1]!];
    const tensor = this.tensors.get(weight);
    if (tensor?.kind !== "weight" || tensor.shape.length !== 2) return [node];
    if (tensor.shape[0]! > tensor.shape[1]!) return [...this.weightOnly(weight, tensor), node];
    const quantisedWeight = columnwise(tensor.shape, tensor.values, DYNAMIC_LEVELS);
    this.store(weight, tensor.shape, quantisedWeight, [tensor.shape[1]!]);
    const name = (what: string) => `${node.outputs[0]!}_${what}`;
    const steps: DraftNode[] = [];
    const quantisedInput = [`${x}_quantized`, `${x}_scale`, `${x}_zero_point`];
    if (!this.inputs.has(x)) {
      this.inputs.add(x);
      steps.push(draftNode("DynamicQuantizeLinear", `${x}_QuantizeLinear`, [x], quantisedInput));
    }
    const [integers, scale, zero] = quantisedInput as [string, string, string];
    const inputs = [integers, `${weight}_quantized`, zero];
    return [
      ...steps,
      draftNode("MatMulInteger", name("quant"), inputs, [name("integer")]),
      draftNode("Cast", name("cast"), [name("integer")], [name("float")], { to: DATA_TYPE.float }),
      draftNode("Mul", name("scales_mul"), [scale, `${weight}_scale`], [name("scales")]),
      draftNode("Mul", `${node.name}_scale`, [name("float"), name("scales")], [node.outputs[0]!]),
    ];
  }

  /** Cast and Mul rather than DequantizeLinear: onnxruntime folds these when the session opens. */
  private weightOnly(name: string, { shape, values }: FloatWeight): readonly DraftNode[] {
    this.store(name, shape, columnwise(shape, values, STORED_LEVELS), [shape[1]!]);
    const float = `${name}_float`;
    return [
      draftNode("Cast", `${name}_Cast`, [`${name}_quantized`], [float], { to: DATA_TYPE.float }),
      draftNode("Mul", `${name}_Mul`, [float, `${name}_scale`], [name]),
    ];
  }

  private gather(node: DraftNode): readonly DraftNode[] {
    const [table, rows] = [node.inputs[0]!, node.inputs[1]!];
    const tensor = this.tensors.get(table);
    if (tensor?.kind !== "weight" || tensor.shape.length !== 2) return [node];
    this.store(table, tensor.shape, rowwise(tensor.shape, tensor.values, STORED_LEVELS), [
      tensor.shape[0]!,
      1,
    ]);
    const name = (what: string) => `${node.outputs[0]!}_${what}`;
    return [
      draftNode("Gather", node.name, [`${table}_quantized`, rows], [name("integer")], { axis: 0 }),
      draftNode("Cast", name("cast"), [name("integer")], [name("float")], { to: DATA_TYPE.float }),
      draftNode("Gather", name("scale_gather"), [`${table}_scale`, rows], [name("scale")], { axis: 0 }),
      draftNode("Mul", name("mul"), [name("float"), name("scale")], [node.outputs[0]!]),
    ];
  }

  private store(
    name: string,
    shape: readonly number[],
    { levels, scales }: Quantised,
    scaleShape: readonly number[],
  ): void {
    this.tensors.delete(name);
    this.tensors.set(`${name}_quantized`, {
      kind: "data",
      type: DATA_TYPE.int8,
      shape,
      bytes: bytesOf(levels),
    });
    const bytes = bytesOf(scales);
    this.tensors.set(`${name}_scale`, { kind: "data", type: DATA_TYPE.float, shape: scaleShape, bytes });
  }
}

type FloatWeight = Extract<DraftTensor, { kind: "weight" }>;

interface Quantised {
  readonly levels: Int8Array;
  readonly scales: Float32Array;
}

/** [rows, columns] → round(w / s), s = max|w| / levels of its column. */
function columnwise(shape: readonly number[], values: Float32Array, levels: number): Quantised {
  const columns = shape[1]!;
  const scales = new Float32Array(columns);
  for (let index = 0, column = 0; index < values.length; index++) {
    const size = Math.abs(values[index]!);
    if (size > scales[column]!) scales[column] = size;
    column = column + 1 === columns ? 0 : column + 1;
  }
  for (let column = 0; column < columns; column++) scales[column] = scales[column]! / levels || 1;
  const rounded = new Int8Array(values.length);
  for (let index = 0, column = 0; index < values.length; index++) {
    rounded[index] = Math.round(values[index]! / scales[column]!);
    column = column + 1 === columns ? 0 : column + 1;
  }
  return { levels: rounded, scales };
}

/** [rows, columns] → round(w / s), s = max|w| / levels of its row. */
function rowwise(shape: readonly number[], values: Float32Array, levels: number): Quantised {
  const [rows, columns] = shape as [number, number];
  const scales = new Float32Array(rows);
  const rounded = new Int8Array(values.length);
  for (let row = 0; row < rows; row++) {
    const [from, to] = [row * columns, (row + 1) * columns];
    let largest = 0;
    for (let index = from; index < to; index++) largest = Math.max(largest, Math.abs(values[index]!));
    const scale = Math.fround(largest / levels) || 1;
    scales[row] = scale;
    for (let index = from; index < to; index++) rounded[index] = Math.round(values[index]! / scale);
  }
  return { levels: rounded, scales };
}
