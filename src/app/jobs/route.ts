import { choiceText } from "../../domain/data/router-dataset.ts";
import { cosineScores } from "../../domain/eval/dense.ts";
import { confidenceOf } from "../../domain/eval/classification.ts";
import { probabilityOf } from "../../domain/eval/calibration.ts";
import type { Calibration } from "../../domain/eval/calibration.ts";
import { rowOf } from "../../domain/matrix.ts";
import type { Matrix } from "../../domain/matrix.ts";
import { applyAdapter } from "../../domain/models/apply-adapter.ts";
import type { SoftmaxRouter, TrainedRouter } from "../../domain/recipes/router/router-job.ts";
import type { RouteSide } from "../studio-routers.ts";

/** What a router reads of a question: vectors by the base's or by its own encoder, or scores of all pairs. */
export interface RouterReaders {
  /** [n, D] by the base encoder. */
  embed(texts: readonly string[]): Promise<Matrix>;
  /** [n, D] by the router's own encoder. */
  embedTuned(texts: readonly string[]): Promise<Matrix>;
  /** Logits of the question with each description. */
  score(text: string, passages: readonly string[]): Promise<Float32Array>;
}

/** Scores [n, choices] of a trained router. */
export async function routerScores(
  router: TrainedRouter,
  texts: readonly string[],
  readers: RouterReaders,
): Promise<Matrix> {
  switch (router.kind) {
    case "adapter": {
      const queries = applyAdapter(
        router.config,
        router.weights,
        await readers.embed(instructed(router, texts)),
      );
      return cosineScores(queries, router.choiceVectors);
    }
    case "encoder":
      return cosineScores(await readers.embedTuned(instructed(router, texts)), router.choiceVectors);
    case "softmax":
      return softmaxScores(router, await readers.embed(instructed(router, texts)));
    case "cross-encoder": {
      const passages = router.choices.map(choiceText);
      const values = new Float32Array(texts.length * passages.length);
      for (const [row, text] of texts.entries()) {
        values.set(await readers.score(text, passages), row * passages.length);
      }
      return { rows: texts.length, columns: passages.length, values };
    }
  }
}

function instructed({ queryInstruction }: TrainedRouter, texts: readonly string[]): readonly string[] {
  return texts.map((text) => queryInstruction + text);
}

function softmaxScores({ weight, bias }: SoftmaxRouter, queries: Matrix): Matrix {
  const values = new Float32Array(queries.rows * weight.rows);
  for (let row = 0; row < queries.rows; row++) {
    const query = rowOf(queries, row);
    for (let choice = 0; choice < weight.rows; choice++) {
      const own = rowOf(weight, choice);
      let sum = bias[choice]!;
      for (let index = 0; index < own.length; index++) sum += own[index]! * query[index]!;
      values[row * weight.rows + choice] = sum;
    }
  }
  return { rows: queries.rows, columns: weight.rows, values };
}

/** One row of scores as an answer; without a calibration every answer is accepted. */
export function routeSide(
  row: Float32Array,
  choices: TrainedRouter["choices"],
  calibration: Calibration | null,
  top: number,
): RouteSide {
  const order = Array.from(row.keys()).sort((a, b) => row[b]! - row[a]! || a - b);
  const probability = calibration ? probabilityOf(calibration, confidenceOf(row, calibration.signal)) : 1;
  const threshold = calibration?.threshold ?? 0;
  return {
    chosen: probability >= threshold ? choices[order[0]!]!.id : null,
    probability,
    threshold,
    ranked: order.slice(0, top).map((place) => {
      const { id, name } = choices[place]!;
      return { choiceId: id, name, score: row[place]! };
    }),
  };
}
