import { llamaIndexObstacle } from "../../domain/formats/adapter-config-json.ts";
import type { AdapterConfig } from "../../domain/models/adapter-config.ts";

/** README.md beside an exported adapter: what it is, how LlamaIndex loads it, what must stay equal in use. */
export function exportReadme(config: AdapterConfig, model: string, instruction: string): string {
  const obstacle = llamaIndexObstacle(config);
  return `# Search adapter for ${model}

\`llamaindex/\` holds \`config.json\` and \`pytorch_model.bin\`; \`adapter.safetensors\` the same weights in one file;
\`fusion.json\` the weights of a hybrid search with BM25. Only questions are transformed; passages keep their vectors.

Query instruction, put before every question before it is embedded (its trailing space counts):

    ${JSON.stringify(instruction)}

## LlamaIndex
${obstacle ? `\n${obstacle}; this code does:\n` : ""}
\`\`\`python
${obstacle ? customClass() : loadInLlamaIndex(config, model, instruction)}
\`\`\`

## Hybrid search

score(passage) = dense · z(cosine) + lexical · z(BM25), z over all passages of one question with the population
standard deviation; weights, k1, b and the token pattern are in \`fusion.json\`.
`;
}

function loadInLlamaIndex(config: AdapterConfig, model: string, instruction: string): string {
  const twoLayer = config.kind === "two-layer";
  const classImport = twoLayer
    ? "\nfrom llama_index.embeddings.adapter.utils import TwoLayerNN  # the class named in config.json"
    : "";
  return `from llama_index.embeddings.adapter import AdapterEmbeddingModel
from llama_index.embeddings.huggingface import HuggingFaceEmbedding${classImport}

base = HuggingFaceEmbedding("${hubName(model)}", query_instruction=${JSON.stringify(instruction)}, text_instruction="")
embed_model = AdapterEmbeddingModel(base, "llamaindex"${twoLayer ? ", TwoLayerNN" : ""})`;
}

function customClass(): string {
  return `import json, torch
from torch import nn

config = json.load(open("llamaindex/config.json"))
state = torch.load("llamaindex/pytorch_model.bin", weights_only=True)
ACT = {"relu": nn.ReLU(), "tanh": nn.Tanh(), "sigmoid": nn.Sigmoid(), "leaky_relu": nn.LeakyReLU(),
       "gelu": nn.GELU(), "identity": nn.Identity()}
if "layers" not in config:  # a two-layer adapter with an activation that LlamaIndex has no class for
    names, acts = ["linear1", "linear2"], [config["activation_fn_str"], "identity"]
else:
    names = [f"linear_layers.{i}" for i in range(len(config["layers"]))]
    acts = [layer["activation"] for layer in config["layers"]]

def adapt(x):  # [rows, dimension]
    y = x
    for name, act in zip(names, acts):
        y = ACT[act](nn.functional.linear(y, state[f"{name}.weight"], state.get(f"{name}.bias")))
    return state["residual_weight"] * y + x if config["add_residual"] else y`;
}

function hubName(model: string): string {
  return model === "bge-small-en-v1.5" ? `BAAI/${model}` : model;
}
