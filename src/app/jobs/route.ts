import { confidenceOf } from "../../domain/eval/classification.ts";
import { probabilityOf } from "../../domain/eval/calibration.ts";
import type { Calibration } from "../../domain/eval/calibration.ts";
import type { TrainedRouter } from "../../domain/recipes/router/router-job.ts";
import type { RouteSide } from "../studio-routers.ts";

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
