// The step of bge-small's layers on Retune's own backends, through the same calls as the recipes make.
import { bert } from "../../src/domain/models/bert/bert.ts";
import { bertConfigOf, type BertConfig } from "../../src/domain/models/bert/config.ts";
import { batchInputs } from "../../src/domain/models/bert/inputs.ts";
import { encoderShapes } from "../../src/domain/models/bert/names.ts";
import { pooled } from "../../src/domain/models/bert/pooling.ts";
import { traceWeights } from "../../src/domain/models/bert/weights.ts";
import { packBatch, packedFeeds, type Bucket } from "../../src/domain/text/pack.ts";
import { grad } from "../../src/engine/autodiff.ts";
import type { Backend, Executable } from "../../src/engine/backend.ts";
import { openCpu } from "../../src/engine/backends/cpu.ts";
import { openWebGpu } from "../../src/engine/backends/webgpu.ts";
import { compile } from "../../src/engine/compile.ts";
import { mnrl } from "../../src/engine/ops/mnrl.ts";
import { rows } from "../../src/engine/ops/slices.ts";
import { adamw } from "../../src/engine/optim/adamw.ts";
import { clipByGlobalNorm } from "../../src/engine/optim/clip.ts";
import * as data from "./layers-data.mjs";

export interface LayersCase {
  readonly backend: "webgpu" | "wasm-simd" | "wasm-relaxed-simd";
  readonly layers: number;
}

const TABLE = /_embeddings\.weight$/; // the given hidden states; they do not train
const BUCKET: Bucket = { rows: data.ROWS, segments: data.SEQUENCES, longest: data.LENGTH };

/** The function runs n steps and returns the last loss. */
export async function prepareLayers({
  backend: name,
  layers,
}: LayersCase): Promise<(n: number) => Promise<number>> {
  const config = bertConfigOf({
    ...{
      model_type: "bert",
      vocab_size: data.ROWS,
      type_vocab_size: 1,
      max_position_embeddings: data.LENGTH,
    },
    ...{ hidden_size: data.WIDTH, num_hidden_layers: layers, num_attention_heads: data.HEADS },
    ...{ intermediate_size: data.INNER, layer_norm_eps: data.EPSILON },
    ...{ hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 },
  });
  const step = await compileStep(await open(name), config);
  const shapes = data.shapesOf(layers);
  shapes.forEach((tensor, index) => step.write(tensor[0], data.initialValues(tensor, index)));
  step.write("embeddings.word_embeddings.weight", data.hiddenStates());
  const sequences = Array.from({ length: data.SEQUENCES }, (_, sequence) => ({
    ids: Array.from({ length: data.LENGTH }, (_own, token) => sequence * data.LENGTH + token),
  }));
  const feeds = { ...packedFeeds(packBatch(sequences, BUCKET), "cls"), learningRate: data.LEARNING_RATE };
  return async (count) => {
    for (let index = 0; index < count; index++) step.run(feeds);
    await step.settle();
    return (await step.log()).at(-1)?.["loss"] ?? NaN;
  };
}

async function open(name: LayersCase["backend"]): Promise<Backend> {
  if (name === "webgpu") return openWebGpu(navigator.gpu);
  const bytes = async (file: string): Promise<ArrayBuffer> =>
    (await fetch(`/wasm/${file}.wasm`)).arrayBuffer();
  return openCpu({ simd: await bytes("simd"), relaxed: await bytes("relaxed") }, { build: name });
}

function compileStep(backend: Backend, config: BertConfig): Promise<Executable> {
  return compile(backend, (graph) => {
    const batch = batchInputs(graph, BUCKET, "cls");
    const weights = traceWeights(graph, encoderShapes(config), (name) => !TABLE.test(name));
    const vectors = pooled(bert(config, weights, batch), batch);
    const half = data.SEQUENCES / 2;
    const loss = mnrl(rows(vectors, 0, half), rows(vectors, half, half), { scale: data.SCALE });
    const parameters = weights.parameters();
    const { gradients, norm } = clipByGlobalNorm(grad(loss, parameters), 1);
    const learningRate = graph.scalar("learningRate");
    const updates = adamw(parameters, gradients, { learningRate, weightDecay: data.WEIGHT_DECAY });
    return { updates, log: { loss, norm } };
  });
}
