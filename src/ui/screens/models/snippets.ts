// Code a person pastes. The instruction is part of the model, so it is written into each snippet.
export type SnippetKind = "llamaindex" | "python" | "javascript";

function llamaindex(instruction: string): string {
  return `from llama_index.core import VectorStoreIndex
from llama_index.embeddings.adapter import AdapterEmbeddingModel
from llama_index.embeddings.huggingface import HuggingFaceEmbedding

base = HuggingFaceEmbedding("BAAI/bge-small-en-v1.5", query_instruction=${JSON.stringify(instruction)})
# The exported folder: config.json + pytorch_model.bin. Two-layer adapters add adapter_cls=TwoLayerNN.
embed_model = AdapterEmbeddingModel(base, "llamaindex")

index = VectorStoreIndex.from_documents(documents, embed_model=embed_model)
hits = index.as_retriever(similarity_top_k=5).retrieve("your question")`;
}

function python(instruction: string): string {
  return `import json, re
import numpy as np
from safetensors.numpy import load_file

weights = load_file("adapter.safetensors")["linear.weight"]  # [d, d] of a linear adapter
fusion = json.load(open("fusion.json"))
instruction = ${JSON.stringify(instruction)}

def z(scores):  # over all passages of one question, population sd
    return (scores - scores.mean()) / (scores.std() or 1.0)

def search(question, embed, passage_vectors, bm25_scores, top=5):
    query = weights @ embed(instruction + question)
    dense = passage_vectors @ (query / np.linalg.norm(query))
    words = re.findall(fusion["lexical"]["tokens"], question.lower())
    lexical = bm25_scores(words)  # BM25 with fusion["lexical"]["k1"] and ["b"]
    score = fusion["weights"]["dense"] * z(dense) + fusion["weights"]["lexical"] * z(lexical)
    return np.argsort(-score)[:top]`;
}

function javascript(instruction: string): string {
  return `// weights: Float32Array [d × d] of adapter.safetensors ("linear.weight"), row-major
const fusion = await (await fetch("fusion.json")).json();
const instruction = ${JSON.stringify(instruction)};

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const adapt = (vector) => {
  const d = vector.length;
  const tuned = vector.map((_, row) => dot(vector, weights.subarray(row * d, row * d + d)));
  const length = Math.hypot(...tuned);
  return tuned.map((value) => value / length);
};
const zScores = (scores) => {
  const mean = scores.reduce((a, b) => a + b, 0) / scores.length;
  const sd = Math.sqrt(scores.reduce((a, b) => a + (b - mean) ** 2, 0) / scores.length) || 1;
  return scores.map((score) => (score - mean) / sd);
};

export async function search(question, embed, passages, bm25, top = 5) {
  const query = adapt(await embed(instruction + question));
  const dense = zScores(passages.map((passage) => dot(query, passage.vector)));
  const lexical = zScores(bm25(question.toLowerCase().match(/[a-z0-9]+/g) ?? []));
  return passages
    .map((passage, i) => ({ passage, score: fusion.weights.dense * dense[i] + fusion.weights.lexical * lexical[i] }))
    .sort((a, b) => b.score - a.score)
    .slice(0, top);
}`;
}

const WRITERS: Readonly<Record<SnippetKind, (instruction: string) => string>> = {
  llamaindex,
  python,
  javascript,
};

/** The code that uses an exported adapter with its query instruction ("" for none). */
export function snippet(kind: SnippetKind, instruction: string): string {
  return WRITERS[kind](instruction);
}
