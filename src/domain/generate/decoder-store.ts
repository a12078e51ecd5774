import type { Backend, Executable } from "../../engine/backend.ts";
import { compile } from "../../engine/compile.ts";
import type { Graph, Tensor } from "../../engine/graph.ts";
import type { TensorData, Weights } from "../matrix.ts";
import type { LoraAdapter } from "../models/encoder-model.ts";
import type { LlamaConfig } from "../models/llama/config.ts";
import { decoderInMemory } from "../models/decoder-model.ts";
import { decoderInputs, ROTARY, rotaryValues } from "../models/llama/inputs.ts";
import { llama, nextTokenLogits } from "../models/llama/llama.ts";
import { traceLlama, type DecoderTraceOptions, type DecoderWeights } from "../models/llama/weights.ts";
import type { DecoderFolder } from "../models/weights/llama-weights.ts";
import { writeDecoder } from "../models/weights/write-decoder.ts";
import { checkDecoderLora, mergedTensor, withLoraResidents } from "./lora-beside.ts";

/** A decoder's tensors: all at once, or read one at a time (`openDecoderFolder`). */
export type DecoderTensors = Weights | DecoderFolder;

export interface StoreSettings {
  readonly config: LlamaConfig;
  readonly positions: number; // no sequence is longer
  readonly trace: DecoderTraceOptions;
}

/** A traced pass: what it gives by name. */
export type TracedPass = (graph: Graph, weights: DecoderWeights) => Readonly<Record<string, Tensor>>;

/** What executables are compiled over: the weights of one model, where they are computed with. */
export interface DecoderStore extends StoreSettings {
  readonly backend: Backend;
  readonly tag: string; // tells what this model alone keeps from what other models over the same weights keep
  compile(trace: TracedPass): Promise<Executable>;
  dispose(): void;
}

const SMALLEST = { rows: 64, segments: 8, longest: 32 };

/** Puts a decoder's weights onto a backend, with an adapter in them where one is given. */
export async function storedDecoder(
  backend: Backend,
  tensors: DecoderTensors,
  settings: StoreSettings,
  merged?: LoraAdapter,
): Promise<DecoderStore> {
  const { config, positions, trace } = settings;
  if (merged) checkDecoderLora(config, merged);
  const first = await compile(backend, (graph) => {
    const weights = traceLlama(graph, config, () => false, trace);
    return { outputs: everything(graph, settings, weights) };
  });
  try {
    await writeDecoder(first, folderOf(config, tensors, merged));
    first.write(ROTARY, rotaryValues(config, positions));
  } catch (error) {
    first.dispose();
    throw error;
  }
  return storeOver(backend, settings, "", first, (weights) => weights);
}

/** The same weights with an adapter beside them; `slot` tells adapters that are open at a time from each other. */
export async function storedBeside(
  base: DecoderStore,
  adapter: LoraAdapter,
  slot: number,
): Promise<DecoderStore> {
  checkDecoderLora(base.config, adapter);
  const prefix = `lora ${slot} r${adapter.rank} `;
  const beside = (weights: DecoderWeights, graph: Graph): DecoderWeights =>
    withLoraResidents(graph, weights, adapter, prefix);
  const first = await base.compile((graph, weights) => everything(graph, base, beside(weights, graph)));
  for (const [name, { values }] of adapter.weights) first.write(prefix + name, values);
  return storeOver(base.backend, base, ` of lora ${slot}`, first, beside);
}

/** A pass in which every tensor of the model has its place. */
function everything(
  graph: Graph,
  { config, positions }: StoreSettings,
  weights: DecoderWeights,
): Readonly<Record<string, Tensor>> {
  const inputs = decoderInputs(graph, config, SMALLEST, positions);
  const rows = graph.input("last", "u32", [1]);
  return { logits: nextTokenLogits(weights, llama(config, weights, inputs), rows) };
}

function storeOver(
  backend: Backend,
  { config, positions, trace }: StoreSettings,
  tag: string,
  first: Executable,
  over: (weights: DecoderWeights, graph: Graph) => DecoderWeights,
): DecoderStore {
  return {
    ...{ backend, tag, config, positions, trace },
    compile: (traced) =>
      compile(
        backend,
        (graph) => {
          const weights = over(
            traceLlama(graph, config, () => false, trace),
            graph,
          );
          return { outputs: traced(graph, weights) };
        },
        { sharing: first },
      ),
    dispose: () => first.dispose(),
  };
}

function folderOf(
  config: LlamaConfig,
  tensors: DecoderTensors,
  merged: LoraAdapter | undefined,
): DecoderFolder {
  const folder = "names" in tensors ? tensors : decoderInMemory(config, tensors);
  if (!merged) return folder;
  const tensor = async (name: string): Promise<TensorData> =>
    mergedTensor(name, await folder.tensor(name), merged);
  return { config, names: folder.names, tensor };
}
