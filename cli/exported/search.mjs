// Hybrid search with an adapter tuned by Retune: adapter.safetensors and fusion.json. No dependencies.
//
//   const search = new HybridSearch(adapterBytes, fusionJson, passages, passageVectors);
//   search.rank(question, await embed(search.instruction + question)) → [{ index, score }, …]
//
// `passages` are texts, `passageVectors` and `embed` come from the model that the adapter was trained with.

const ACTIVATIONS = {
  identity: (x) => x,
  relu: (x) => Math.max(0, x),
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  leaky_relu: (x) => (x > 0 ? x : 0.01 * x),
  gelu: (x) => (x / 2) * (1 + erf(x / Math.SQRT2)),
};

/** erf by its series near 0 and its continued fraction further out; about 1e-12. */
function erf(x) {
  const a = Math.abs(x);
  if (a < 2.5) {
    let [term, sum] = [a, a];
    for (let n = 1; Math.abs(term) > 1e-17 * sum; n++) {
      term *= (-a * a) / n;
      sum += term / (2 * n + 1);
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI);
  }
  let fraction = 0;
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + fraction)));
}

const dot = (a, b) => a.reduce((sum, value, index) => sum + value * b[index], 0);
const norm = (a) => Math.sqrt(dot(a, a));

/** Tensors and metadata of a float32 safetensors file (a Uint8Array). */
export function readSafetensors(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const { __metadata__: metadata, ...entries } = JSON.parse(
    new TextDecoder().decode(bytes.subarray(8, 8 + length)),
  );
  const tensors = {};
  for (const [
    name,
    {
      shape,
      data_offsets: [start, end],
    },
  ] of Object.entries(entries)) {
    const copy = bytes.slice(8 + length + start, 8 + length + end);
    tensors[name] = { shape, values: new Float32Array(copy.buffer) };
  }
  return { tensors, metadata };
}

export class Adapter {
  constructor(bytes) {
    const { tensors, metadata } = readSafetensors(bytes);
    this.tensors = tensors;
    this.config = JSON.parse(metadata.retune);
    this.instruction = metadata.query_instruction ?? "";
  }

  /** y = f(x), layer after layer; with a residual y = r·f(x) + x. The result is not normalised. */
  apply(x) {
    let y = Array.from(x);
    for (const [name, activation] of this.layers()) {
      const { shape, values } = this.tensors[`${name}.weight`];
      const bias = this.tensors[`${name}.bias`]?.values;
      const input = y;
      y = Array.from({ length: shape[0] }, (_, row) => {
        const weights = values.subarray(row * shape[1], (row + 1) * shape[1]);
        return ACTIVATIONS[activation](dot(input, weights) + (bias?.[row] ?? 0));
      });
    }
    if (!this.config.add_residual) return y;
    const r = this.tensors.residual_weight.values[0];
    return y.map((value, index) => r * value + x[index]);
  }

  layers() {
    const { layers, hidden_features: hidden, activation_fn_str: activation } = this.config;
    if (layers) return layers.map((layer, index) => [`linear_layers.${index}`, layer.activation]);
    return hidden === undefined
      ? [["linear", "identity"]]
      : [
          ["linear1", activation],
          ["linear2", "identity"],
        ];
  }
}

/** Σ idf·f·(k1 + 1) / (f + k1·(1 − b + b·length/average)), idf = ln(1 + (N − n + .5) / (n + .5)). */
export class Bm25 {
  constructor(passages, { k1, b, tokens }) {
    this.tokens = tokens;
    this.size = passages.length;
    this.postings = new Map();
    const texts = passages.map((text) => this.words(text));
    const average = texts.reduce((sum, words) => sum + words.length, 0) / Math.max(1, texts.length);
    for (const [index, words] of texts.entries()) {
      const length = k1 * (1 - b + (b * words.length) / Math.max(1, average));
      const counts = new Map();
      for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
      for (const [word, f] of counts) {
        if (!this.postings.has(word)) this.postings.set(word, []);
        this.postings.get(word).push([index, (f * (k1 + 1)) / (f + length)]);
      }
    }
  }

  words(text) {
    return text.toLowerCase().match(new RegExp(this.tokens, "g")) ?? [];
  }

  scores(question) {
    const scores = new Array(this.size).fill(0);
    for (const word of this.words(question)) {
      const postings = this.postings.get(word) ?? [];
      const idf = Math.log(1 + (this.size - postings.length + 0.5) / (postings.length + 0.5));
      for (const [index, weight] of postings) scores[index] += idf * weight;
    }
    return scores;
  }
}

/** Over all passages of one question, population standard deviation. */
export function zScores(scores) {
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const deviation = Math.sqrt(scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length);
  return scores.map((score) => (deviation > 1e-12 ? (score - mean) / deviation : 0));
}

export class HybridSearch {
  constructor(adapterBytes, fusion, passages, passageVectors) {
    this.adapter = new Adapter(adapterBytes);
    this.instruction = this.adapter.instruction;
    this.weights = fusion.weights;
    this.bm25 = new Bm25(passages, fusion.lexical);
    this.vectors = passageVectors.map((vector) => {
      const length = norm(vector);
      return Array.from(vector, (value) => value / length);
    });
  }

  scores(question, questionVector) {
    const query = this.adapter.apply(questionVector);
    const length = norm(query);
    const dense = zScores(this.vectors.map((vector) => dot(vector, query) / length));
    const lexical = zScores(this.bm25.scores(question));
    return dense.map((value, index) => this.weights.dense * value + this.weights.lexical * lexical[index]);
  }

  rank(question, questionVector, top = 10) {
    const scores = this.scores(question, questionVector);
    return scores
      .map((score, index) => ({ index, score }))
      .sort((a, b) => b.score - a.score || a.index - b.index)
      .slice(0, top);
  }
}
