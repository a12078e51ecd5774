// Tuned weights written into the base's own ONNX graph: every initializer that holds a tensor of the model gets the tuned
// values, everything else stays as the base's author exported it. design.md §7 for the names.
import { RetuneError } from "../../../engine/errors.ts";
import { opening, placeIn } from "../../data/import-report.ts";
import type { NamedWeights } from "../../models/encoder-model.ts";
import { namedInitializers, transposedValues } from "../../models/weights/onnx-names.ts";
import { readOnnxGraph, type OnnxGraph, type OnnxInitializer } from "../onnx-initializers.ts";
import { readOnnxDraft, type DraftTensor, type OnnxDraft } from "./onnx-draft.ts";

/**
 * The base's graph with tuned weights. `names` are the tensors that must be in it. Tensors that the base stores once because
 * they were equal (an Identity node gives the second name) get their own values. Errors: E_ONNX of a damaged file,
 * E_MISMATCH where the graph lacks a tensor or has it in another shape: then write a graph of our own.
 */
export function tunedOnnx(
  base: Uint8Array,
  weights: NamedWeights,
  names: Iterable<string>,
  file?: string,
): OnnxDraft {
  const draft = readOnnxDraft(base, file);
  const graph = untied(readOnnxGraph(base, file));
  const named = namedInitializers(graph);
  const tensors = new Map<string, DraftTensor>(draft.tensors);
  for (const name of names) {
    const [found, tuned] = [named.get(name), weights.get(name)];
    if (!found || !tuned) throw lacking(file, name);
    tensors.set(found.initializer.name, tunedTensor(file, name, found.initializer, found.transposed, tuned));
  }
  const nodes = draft.nodes.filter(
    ({ operation, outputs }) => operation !== "Identity" || tensors.get(outputs[0] ?? "")?.kind !== "weight",
  );
  return { ...draft, nodes, tensors };
}

function tunedTensor(
  file: string | undefined,
  name: string,
  initializer: OnnxInitializer,
  transposed: boolean,
  { shape, values }: { readonly shape: readonly number[]; readonly values: Float32Array },
): DraftTensor {
  const stored = transposed ? [shape[1]!, shape[0]!] : shape;
  if (initializer.shape.join() !== stored.join() || initializer.type === undefined) {
    const text = `${name} is [${initializer.shape.join(", ")}] in the base's graph, tuned [${stored.join(", ")}]`;
    throw new RetuneError(
      "E_MISMATCH",
      `${opening(file)}${text}; choose the base's fp32 model.onnx`,
      placeIn(file),
    );
  }
  const placed = transposed ? transposedValues(values, shape[0]!, shape[1]!) : values;
  return { kind: "weight", shape: stored, values: placed };
}

/** A graph in which each name that an Identity node gives to an initializer is an initializer itself. */
function untied(graph: OnnxGraph): OnnxGraph {
  const initializers = new Map(graph.initializers);
  const nodes = graph.nodes.filter(({ operation, inputs, outputs }) => {
    const shared = operation === "Identity" ? initializers.get(inputs[0] ?? "") : undefined;
    const name = outputs[0];
    if (!shared || name === undefined) return true;
    initializers.set(name, { ...shared, name });
    return false;
  });
  return { ...graph, initializers, nodes };
}

function lacking(file: string | undefined, name: string): RetuneError {
  const text = `the base's graph has no float tensor ${name}; choose the base's fp32 model.onnx`;
  return new RetuneError("E_MISMATCH", opening(file) + text, placeIn(file));
}
