import type { Dataset } from "../../domain/data/dataset.ts";
import { evaluate } from "../../domain/eval/evaluate.ts";
import type { JudgedVectors } from "../../domain/eval/evaluate.ts";
import type { EvaluationReport, Fusion } from "../../domain/eval/report.ts";
import type { Weights } from "../../domain/matrix.ts";
import type { AdapterConfig } from "../../domain/models/adapter-config.ts";
import { applyAdapter } from "../../domain/models/apply-adapter.ts";
import { cosineScores } from "../../domain/eval/dense.ts";
import { idOrder, rankOf } from "../../domain/eval/metrics.ts";
import { passageIndex } from "../../domain/data/dataset.ts";
import { selectRows } from "../../domain/matrix.ts";
import type { ProbeView } from "../studio-training.ts";

export interface JudgedSide {
  readonly dataset: Dataset;
  readonly vectors: JudgedVectors;
}

export interface JudgedAdapter {
  readonly config: AdapterConfig;
  readonly weights: Weights;
  readonly fusion: { readonly base: Fusion; readonly tuned: Fusion };
}

/** The report of a trained adapter on questions it has not seen; `instruction` as it was trained. */
export function judgeAdapter(
  side: JudgedSide,
  adapter: JudgedAdapter,
  instruction: boolean,
  seed: number,
): EvaluationReport {
  const { config, weights, fusion } = adapter;
  return evaluate(side.dataset, side.vectors, { instruction, adapter: { config, weights }, fusion, seed });
}

const PROBES = 3;

/** Three questions of the judged set whose ranks are watched while training; spread over the file. */
export class Probes {
  private readonly side: JudgedSide;
  private readonly rows: readonly number[];
  private readonly instruction: boolean;
  private readonly before: readonly (number | null)[];

  constructor(side: JudgedSide, instruction: boolean) {
    this.side = side;
    this.instruction = instruction;
    const count = side.dataset.queries.length;
    this.rows = Array.from({ length: Math.min(PROBES, count) }, (_, index) =>
      Math.floor(((index + 0.5) * count) / Math.min(PROBES, count)),
    );
    this.before = this.ranks();
  }

  at(adapter?: { readonly config: AdapterConfig; readonly weights: Weights }): readonly ProbeView[] {
    const now = adapter ? this.ranks(adapter) : this.before;
    return this.rows.map((row, index) => ({
      text: this.side.dataset.queries[row]!.text,
      before: this.before[index]!,
      now: now[index]!,
    }));
  }

  private ranks(adapter?: { config: AdapterConfig; weights: Weights }): readonly (number | null)[] {
    if (this.rows.length === 0) return [];
    const { dataset, vectors } = this.side;
    const own = (this.instruction ? vectors.queriesInstruction : undefined) ?? vectors.queries;
    const chosen = selectRows(own, this.rows);
    const queries = adapter ? applyAdapter(adapter.config, adapter.weights, chosen) : chosen;
    const scores = cosineScores(queries, vectors.corpus);
    const order = idOrder(dataset.passages.map((passage) => passage.id));
    const places = passageIndex(dataset);
    return this.rows.map((row, index) => {
      const right = places.get(dataset.queries[row]!.relevant[0]!.passage);
      if (right === undefined) return null;
      const line = scores.values.subarray(index * scores.columns, (index + 1) * scores.columns);
      return rankOf(line, right, order);
    });
  }
}
