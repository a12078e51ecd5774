import type { OnnxGraph, OnnxInitializer } from "../../formats/onnx-initializers.ts";

/** An initializer that holds a tensor of the model. */
export interface NamedInitializer {
  readonly initializer: OnnxInitializer;
  readonly transposed: boolean; // stored [in, out], while names.ts means [out, in]
}

const START = /(?:^|\.)((?:embeddings|encoder\.layer|pooler|classifier)\..*)$/;

/** "bert.encoder.layer.0.…" or "m.encoder.layer.0.…" → "encoder.layer.0.…", as names.ts has it; undefined for other tensors. */
export function bertName(name: string): string | undefined {
  const found = START.exec(name)?.[1];
  return found?.replace(/\.gamma$/, ".weight").replace(/\.beta$/, ".bias");
}

/**
 * Which initializer holds which tensor of a BERT. Three things hide the names in an export: a linear layer's weight is
 * anonymous ("onnx::MatMul_418", stored [in, out]) and only the node that multiplies by it says whose it is
 * ("/encoder/layer.0/attention/self/query/MatMul"); a prefix stands before the names; and tensors of equal values are
 * stored once, an Identity node giving them their other names (so one initializer may stand for several tensors).
 */
export function namedInitializers(graph: OnnxGraph): ReadonlyMap<string, NamedInitializer> {
  const named = new Map<string, NamedInitializer>();
  const multiplied = new Set<string>(); // second operands of a MatMul: stored [in, out]
  const aliases = new Map<string, string>();
  for (const { operation, inputs, outputs } of graph.nodes) {
    if (operation === "MatMul" && inputs[1] !== undefined) multiplied.add(inputs[1]);
    if (operation === "Identity" && inputs[0] !== undefined && outputs[0] !== undefined)
      aliases.set(outputs[0], inputs[0]);
  }
  const resolve = (name: string): OnnxInitializer | undefined => {
    let at = name;
    for (let hops = 0; hops < 8 && aliases.has(at); hops++) at = aliases.get(at)!;
    return graph.initializers.get(at);
  };
  const put = (name: string | undefined, stored: string): void => {
    const initializer = resolve(stored);
    if (name === undefined || !initializer) return;
    const transposed = multiplied.has(stored) && initializer.shape.length === 2;
    named.set(name, { initializer, transposed });
  };
  for (const stored of [...graph.initializers.keys(), ...aliases.keys()]) put(bertName(stored), stored);
  for (const { operation, name, inputs } of graph.nodes) {
    if (operation !== "MatMul" || inputs[1] === undefined) continue;
    const layer = bertName(name.replaceAll("/", ".").replace(/\.MatMul(_\d+)?$/, ".weight"));
    if (layer !== undefined && !named.has(layer)) put(layer, inputs[1]);
  }
  return named;
}

/** [in, out] → [out, in], or the other way round. */
export function transposedValues(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++)
      out[column * rows + row] = values[row * columns + column]!;
  }
  return out;
}
