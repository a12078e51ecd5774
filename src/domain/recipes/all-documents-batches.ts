import { EXCLUDED, NO_COLUMN } from "../../engine/plan.ts";
import { selectRows, type Matrix } from "../matrix.ts";
import { CounterRandom } from "../random.ts";
import type { StepKind } from "./adapter-steps.ts";
import type { PreparedData } from "./training-data.ts";

const MOST_POSITIVES = 16; // of one question in the loss; the rest are left out of it
const MOST_DOCUMENTS = 8192; // above this the softmax runs over the documents of a batch

export type BatchFeeds = Readonly<Record<string, Uint32Array>>;

/**
 * Shuffled batches of the recommended recipe. The order is one endless stream of permutations, permutation e made from
 * (seed, e) alone, so batch i is a pure function of i and nothing about it needs saving.
 */
export class AdapterBatches {
  readonly documents: Matrix; // [D', W]: only passages with a training question
  readonly allDocuments: boolean;
  readonly batchSize: number;
  readonly #data: PreparedData;
  readonly #columns: ReadonlyMap<number, number>; // passage → row of `documents`
  readonly #groups: Uint32Array; // [D']: passages of equal text have one number
  readonly #seed: number;
  readonly #perRow: number;

  constructor(data: PreparedData, batchSize: number, seed: number, mostDocuments = MOST_DOCUMENTS) {
    const used = [...new Set(data.positives.flat())].sort((a, b) => a - b);
    this.#data = data;
    this.#seed = seed;
    this.#columns = new Map(used.map((passage, column) => [passage, column]));
    this.#groups = Uint32Array.from(used, (passage) => data.copyOf[passage]!);
    this.documents = selectRows(data.corpus, used);
    this.batchSize = Math.min(batchSize, data.usable.length);
    this.allDocuments = used.length <= mostDocuments;
    const most = Math.max(...data.positives.map((found) => found.length));
    this.#perRow = Math.min(MOST_POSITIVES, most);
  }

  kind(scale: number): StepKind {
    const { batchSize } = this;
    return this.allDocuments
      ? { batchSize, scale, loss: "all-documents", positivesPerRow: this.#perRow }
      : { batchSize, scale, loss: "in-batch-groups" };
  }

  /** Batches over the questions `among` (a subset of `usable`): other questions' documents take no part. */
  over(among: Uint32Array): (step: number) => BatchFeeds {
    const columnGroups = this.#columnGroups(among);
    const orders = new Map<number, Uint32Array>();
    const orderOf = (epoch: number): Uint32Array => {
      if (!orders.has(epoch)) {
        orders.clear();
        orders.set(epoch, CounterRandom.stream(this.#seed, 1000 + epoch).permutation(among.length));
      }
      return orders.get(epoch)!;
    };
    return (step) => {
      const start = step * this.batchSize;
      const questions = Uint32Array.from({ length: this.batchSize }, (_, row) => {
        const place = start + row;
        return among[orderOf(Math.floor(place / among.length))[place % among.length]!]!;
      });
      return this.allDocuments ? this.#allDocuments(questions, columnGroups) : this.#inBatch(questions, step);
    };
  }

  #columnGroups(among: Uint32Array): Uint32Array {
    const groups = new Uint32Array(this.#groups.length).fill(EXCLUDED);
    for (const query of among) {
      for (const passage of this.#data.positives[query]!) {
        const column = this.#columns.get(passage)!;
        groups[column] = this.#groups[column]!;
      }
    }
    return groups;
  }

  #allDocuments(queries: Uint32Array, columnGroups: Uint32Array): BatchFeeds {
    const positives = new Uint32Array(queries.length * this.#perRow).fill(NO_COLUMN);
    const rowGroups = new Uint32Array(queries.length);
    for (const [row, query] of queries.entries()) {
      const columns = this.#data.positives[query]!.slice(0, this.#perRow).map((p) => this.#columns.get(p)!);
      positives.set(columns, row * this.#perRow);
      rowGroups[row] = this.#groups[columns[0]!]!;
    }
    return { queries, positives, rowGroups, columnGroups };
  }

  /** One positive of each question, another one as steps go on. */
  #inBatch(queries: Uint32Array, step: number): BatchFeeds {
    const documents = Uint32Array.from(queries, (query) => {
      const found = this.#data.positives[query]!;
      return this.#columns.get(found[step % found.length]!)!;
    });
    return { queries, documents, groups: documents.map((column) => this.#groups[column]!) };
  }
}
