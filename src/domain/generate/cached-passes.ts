// Passes over new tokens alone: keys and values of every layer are kept in states of P rows, of which each sequence has a stretch.
//   token t of a sequence whose stretch begins at f:  keys and values go to row f + t, and it attends to rows f … f + t
// Prompts and single tokens of many sequences go through one graph: a row says where it is kept and what it sees.
import type { Executable } from "../../engine/backend.ts";
import type { Graph, Tensor } from "../../engine/graph.ts";
import { cachedAttention, storedRows } from "../../engine/ops/cached-attention.ts";
import type { LlamaConfig } from "../models/llama/config.ts";
import { decoderInputs } from "../models/llama/inputs.ts";
import { llama, nextTokenLogits, type LayerAttention } from "../models/llama/llama.ts";
import { roundedUp } from "../text/pack.ts";
import type { DecoderStore } from "./decoder-store.ts";
import { Executables } from "./executables.ts";

const MOST_EXECUTABLES = 20;
const PROMPT_ROWS = { step: 64, ratio: 1.25 };
const SINGLE = 32; // up to so many rows are rounded up to a power of two: steps of one token a sequence
const NOWHERE = 0xffffffff; // a place past every cache

/** A token on its way through the model. */
export interface CachedToken {
  readonly id: number;
  readonly position: number; // in its sequence
  readonly first: number; // row of its sequence's first token
}

/** The model over a cache of a fixed number of rows. */
export class CachedPasses {
  readonly rows: number;
  readonly #store: DecoderStore;
  readonly #executables = new Executables(MOST_EXECUTABLES);

  constructor(store: DecoderStore, rows: number) {
    this.#store = store;
    this.rows = rows;
  }

  /** Bytes of a cache of so many rows. */
  static bytes({ layers, keyHeads, headSize }: LlamaConfig, rows: number): number {
    return rows * layers * keyHeads * headSize * 2 * 4;
  }

  /** Reads tokens; logits of what follows those that `asked` names, [asked, vocabulary]. */
  async read(tokens: readonly CachedToken[], asked: readonly number[]): Promise<Float32Array> {
    const rows = roundedRows(tokens.length);
    const count = asked.length === tokens.length ? rows : power(4, asked.length);
    const executable = await this.#executables.get(`${rows} ${count}`, () => this.#compile(rows, count));
    const ranges = new Uint32Array(2 * rows);
    const places = new Uint32Array(rows).fill(NOWHERE);
    for (const [row, { first, position }] of tokens.entries()) {
      places[row] = first + position;
      ranges.set([first, first + position + 1], 2 * row);
    }
    const filled = (values: readonly number[], size: number): Uint32Array => {
      const all = new Uint32Array(size);
      all.set(values);
      return all;
    };
    const ids = filled(
      tokens.map(({ id }) => id),
      rows,
    );
    const positions = filled(
      tokens.map(({ position }) => position),
      rows,
    );
    executable.run({ ids, positions, ranges, places, last: filled(asked, count) });
    if (asked.length === 0) return new Float32Array(0);
    const logits = await executable.read("logits");
    return logits.subarray(0, asked.length * this.#store.config.vocabSize);
  }

  dispose(): void {
    this.#executables.dispose();
  }

  #compile(rows: number, count: number): Promise<Executable> {
    const { config, positions } = this.#store;
    return this.#store.compile((graph, weights) => {
      const inputs = decoderInputs(graph, config, { rows, segments: 1, longest: rows }, positions);
      const attend = this.#attention(graph, inputs.ranges, graph.input("places", "u32", [rows]));
      const hidden = llama(config, weights, inputs, { attend });
      return { logits: nextTokenLogits(weights, hidden, graph.input("last", "u32", [count])) };
    });
  }

  #attention(graph: Graph, ranges: Tensor, places: Tensor): LayerAttention {
    const { config, tag } = this.#store;
    const { heads, keyHeads, headSize } = config;
    return (layer, queries, keys, values) => {
      const [seenKeys, seenValues] = [keys, values].map((x, index) => {
        const side = index === 0 ? "keys" : "values";
        const name = `cached ${side} ${layer} of ${this.rows} rows${tag}`; // equal names share a place: the size belongs to it
        return storedRows(graph.state(name, [this.rows, keyHeads * headSize]), x, places);
      });
      return cachedAttention(queries, seenKeys!, seenValues!, ranges, { heads, keyHeads });
    };
  }
}

/** Sizes that executables are compiled for. */
function roundedRows(rows: number): number {
  if (rows > SINGLE) return roundedUp(rows, PROMPT_ROWS.step, PROMPT_ROWS.ratio);
  return power(2, rows);
}

/** The first power of a base that is not below `least`. */
function power(base: number, least: number): number {
  let size = 1;
  while (size < least) size *= base;
  return size;
}
