import type { Weights } from "../../../../src/domain/matrix.ts";
import type { LlamaConfig } from "../../../../src/domain/models/llama/config.ts";

/** Logits of one sequence by plain loops, written from transformers' modeling_llama, modeling_qwen2 and modeling_qwen3. */
export function plainLogits(config: LlamaConfig, weights: Weights, ids: readonly number[]): number[][] {
  const { heads, keyHeads, headSize: size } = config;
  const values = (name: string): Float32Array => weights.get(name)!.values;
  const linear = (name: string, x: number[]): number[] => {
    const [matrix, bias] = [values(`${name}.weight`), weights.get(`${name}.bias`)?.values];
    return Array.from({ length: matrix.length / x.length }, (_, out) =>
      x.reduce((sum, value, i) => sum + value * matrix[out * x.length + i]!, bias?.[out] ?? 0),
    );
  };
  const norm = (name: string, x: number[]): number[] => {
    const square = x.reduce((sum, value) => sum + value * value, 0) / x.length;
    return x.map((value, i) => (values(name)[i]! * value) / Math.sqrt(square + config.epsilon));
  };
  const head = (x: number[], index: number): number[] => x.slice(index * size, (index + 1) * size);
  const turned = (x: number[], position: number): number[] =>
    x.map((value, i) => {
      const pair = i % (size / 2);
      const angle = position * config.rope.theta ** (-(2 * pair) / size);
      const other = i < size / 2 ? -x[i + size / 2]! : x[i - size / 2]!;
      return value * Math.cos(angle) + other * Math.sin(angle);
    });
  const table = values("model.embed_tokens.weight");
  const width = config.hiddenSize;
  let hidden = ids.map((id) => [...table.subarray(id * width, (id + 1) * width)]);
  for (let index = 0; index < config.layers; index++) {
    const part = (name: string): string => `model.layers.${index}.${name}`;
    const seen = hidden.map((x) => norm(part("input_layernorm.weight"), x));
    const headsOf = (side: "q" | "k", count: number): number[][][] =>
      seen.map((x, position) => {
        const projected = linear(part(`self_attn.${side}_proj`), x);
        return Array.from({ length: count }, (_, h) => {
          const own = head(projected, h);
          return turned(config.headNorms ? norm(part(`self_attn.${side}_norm.weight`), own) : own, position);
        });
      });
    const [queries, keys] = [headsOf("q", heads), headsOf("k", keyHeads)];
    const rows = seen.map((x) => linear(part("self_attn.v_proj"), x));
    const attended = queries.map((own, i) =>
      own.flatMap((query, h) => {
        const group = Math.floor(h / (heads / keyHeads));
        const scores = Array.from({ length: i + 1 }, (_, j) =>
          Math.exp(query.reduce((sum, value, c) => sum + value * keys[j]![group]![c]!, 0) / Math.sqrt(size)),
        );
        const total = scores.reduce((sum, score) => sum + score, 0);
        return Array.from({ length: size }, (_, c) =>
          scores.reduce((sum, score, j) => sum + (score / total) * rows[j]![group * size + c]!, 0),
        );
      }),
    );
    hidden = hidden.map((x, i) => {
      const out = linear(part("self_attn.o_proj"), attended[i]!);
      return x.map((value, c) => value + out[c]!);
    });
    hidden = hidden.map((x) => {
      const m = norm(part("post_attention_layernorm.weight"), x);
      const [gate, up] = [linear(part("mlp.gate_proj"), m), linear(part("mlp.up_proj"), m)];
      const wide = gate.map((value, i) => (value / (1 + Math.exp(-value))) * up[i]!);
      const narrow = linear(part("mlp.down_proj"), wide);
      return x.map((value, c) => value + narrow[c]!);
    });
  }
  const name = config.tiedEmbeddings ? "model.embed_tokens" : "lm_head";
  return hidden.map((x) => linear(name, norm("model.norm.weight", x)));
}
