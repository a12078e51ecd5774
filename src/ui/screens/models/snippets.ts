import { isLlamaIndexAdapter } from "../../../domain/formats/adapter-config-json.ts";
import type { Activation, AdapterConfig } from "../../../domain/models/adapter-config.ts";
import { isResidual, layersOf, RESIDUAL } from "../../../domain/models/adapter-weights.ts";

// Code a person pastes, written for one run: its layers, its model, its instruction (part of the model, so it is
// spelled out). tests/ui/snippets.test.ts runs the JavaScript beside the program's own search.
export type SnippetKind = "llamaindex" | "python" | "javascript";

export interface SnippetFacts {
  readonly adapter: AdapterConfig;
  readonly model: string; // "bge-small-en-v1.5"
  readonly instruction: string; // "" for none
}

const PYTHON_ACTIVATIONS: Readonly<Record<Activation, (x: string) => string>> = {
  relu: (x) => `np.maximum(${x}, 0)`,
  tanh: (x) => `np.tanh(${x})`,
  sigmoid: (x) => `1 / (1 + np.exp(-(${x})))`,
  leaky_relu: (x) => `(lambda v: np.where(v > 0, v, 0.01 * v))(${x})`,
  gelu: (x) => `(lambda v: 0.5 * v * (1 + np.vectorize(math.erf)(v / 2**0.5)))(${x})`,
  identity: (x) => x,
};

const JAVASCRIPT_ACTIVATIONS: Readonly<Record<Activation, string>> = {
  relu: "Math.max(0, v)",
  tanh: "Math.tanh(v)",
  sigmoid: "1 / (1 + Math.exp(-v))",
  leaky_relu: "v > 0 ? v : 0.01 * v",
  gelu: "0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3)))", // within 5e-4 of erf's
  identity: "v",
};

function hubName(model: string): string {
  return model === "bge-small-en-v1.5" ? `BAAI/${model}` : model;
}

function llamaindex({ adapter, model, instruction }: SnippetFacts): string {
  const twoLayer = adapter.kind === "two-layer";
  const load = isLlamaIndexAdapter(adapter)
    ? `embed_model = AdapterEmbeddingModel(base, "llamaindex"${twoLayer ? ", TwoLayerNN" : ""})`
    : `# LlamaIndex has no class for this stack: README.md in the export holds one for torch.
embed_model = AdapterEmbeddingModel(base, "llamaindex", YourStack)`;
  return `from llama_index.core import VectorStoreIndex
from llama_index.embeddings.adapter import AdapterEmbeddingModel${
    twoLayer ? "\nfrom llama_index.embeddings.adapter.utils import TwoLayerNN" : ""
  }
from llama_index.embeddings.huggingface import HuggingFaceEmbedding

base = HuggingFaceEmbedding("${hubName(model)}", query_instruction=${JSON.stringify(instruction)}, text_instruction="")
${load}

index = VectorStoreIndex.from_documents(documents, embed_model=embed_model)
hits = index.as_retriever(similarity_top_k=5).retrieve("your question")

# Hybrid search: in search() of the plain Python tab, use
#   query = np.array(embed_model.get_query_embedding(question))`;
}

function pythonAdapter(adapter: AdapterConfig): string {
  const lines = layersOf(adapter).map((layer) => {
    const bias = layer.bias === undefined ? "" : ` + weights["${layer.bias}"]`;
    return `    y = ${PYTHON_ACTIVATIONS[layer.activation](`weights["${layer.weight}"] @ y${bias}`)}`;
  });
  const result = isResidual(adapter) ? `weights["${RESIDUAL}"] * y + x` : "y";
  return ["def adapt(x):", "    y = x", ...lines, `    return ${result}`].join("\n");
}

function python({ adapter, instruction }: SnippetFacts): string {
  return `import json, math, re
from collections import Counter
import numpy as np
from safetensors.numpy import load_file

weights = load_file("adapter.safetensors")
fusion = json.load(open("fusion.json"))
instruction = ${JSON.stringify(instruction)}

${pythonAdapter(adapter)}

def words(text):
    return re.findall(fusion["lexical"]["tokens"], text.lower())

def bm25(question, passages):  # over all passages
    k1, b = fusion["lexical"]["k1"], fusion["lexical"]["b"]
    counts = [Counter(words(passage)) for passage in passages]
    lengths = np.array([sum(count.values()) for count in counts])
    scores = np.zeros(len(passages))
    for word in words(question):
        f = np.array([count[word] for count in counts])
        n = (f > 0).sum()
        idf = math.log(1 + (len(passages) - n + 0.5) / (n + 0.5))
        scores += idf * f * (k1 + 1) / (f + k1 * (1 - b + b * lengths / lengths.mean()))
    return scores

def z(scores):  # population standard deviation
    sd = scores.std()
    return (scores - scores.mean()) / sd if sd > 1e-12 else scores * 0

def search(question, embed, passages, vectors, top=5):  # vectors: normalised, one row a passage
    query = adapt(embed(instruction + question))
    dense = vectors @ (query / np.linalg.norm(query))
    share = fusion["weights"]
    score = share["dense"] * z(dense) + share["lexical"] * z(bm25(question, passages))
    return np.argsort(-score, kind="stable")[:top]`;
}

function javascriptAdapter(adapter: AdapterConfig): string {
  const lines = layersOf(adapter).map((layer) => {
    const bias = layer.bias === undefined ? "null" : `weights["${layer.bias}"]`;
    const name = `weights["${layer.weight}"]`;
    return `  y = layer(y, ${name}, ${bias}, (v) => ${JAVASCRIPT_ACTIVATIONS[layer.activation]});`;
  });
  const result = isResidual(adapter) ? `y.map((v, i) => weights["${RESIDUAL}"][0] * v + x[i])` : "y";
  return ["function adapt(x) {", "  let y = x;", ...lines, `  return ${result};`, "}"].join("\n");
}

function javascript({ adapter, instruction }: SnippetFacts): string {
  return `// weights: { name: Float32Array } of adapter.safetensors, fusion: the parsed fusion.json
const instruction = ${JSON.stringify(instruction)};
const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

function layer(x, weight, bias, activation) {
  return Array.from({ length: weight.length / x.length }, (_, row) =>
    activation(dot(x, weight.subarray(row * x.length, (row + 1) * x.length)) + (bias ? bias[row] : 0)));
}

${javascriptAdapter(adapter)}

const words = (text) => text.toLowerCase().match(/[a-z0-9]+/g) ?? [];

function bm25(question, passages) {
  const { k1, b } = fusion.lexical;
  const lists = passages.map(words);
  const average = mean(lists.map((list) => list.length));
  return words(question).reduce((scores, word) => {
    const counts = lists.map((list) => list.filter((other) => other === word).length);
    const n = counts.filter((f) => f > 0).length;
    const idf = Math.log(1 + (passages.length - n + 0.5) / (n + 0.5));
    return scores.map((score, i) =>
      score + (idf * counts[i] * (k1 + 1)) / (counts[i] + k1 * (1 - b + (b * lists[i].length) / average)));
  }, passages.map(() => 0));
}

function z(scores) {
  const sd = Math.sqrt(mean(scores.map((score) => (score - mean(scores)) ** 2)));
  return scores.map((score) => (sd > 1e-12 ? (score - mean(scores)) / sd : 0));
}

async function search(question, embed, passages, vectors, top = 5) {
  const query = adapt(await embed(instruction + question));
  const length = Math.sqrt(dot(query, query));
  const dense = z(vectors.map((vector) => dot(query, vector) / length));
  const lexical = z(bm25(question, passages));
  return passages
    .map((_, i) => ({ index: i, score: fusion.weights.dense * dense[i] + fusion.weights.lexical * lexical[i] }))
    .sort((a, b) => b.score - a.score)
    .slice(0, top);
}`;
}

const WRITERS: Readonly<Record<SnippetKind, (facts: SnippetFacts) => string>> = {
  llamaindex,
  python,
  javascript,
};

/** The code that uses an exported run. */
export function snippet(kind: SnippetKind, facts: SnippetFacts): string {
  return WRITERS[kind](facts);
}
