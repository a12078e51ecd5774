import type { DecoderModel } from "../../domain/models/decoder-model.ts";
import type { LabRunRecord } from "../storage/lab-records.ts";
import type { SentBytes } from "../protocol/sent-files.ts";
import type { LabExportFormat, LabExportOffer, LabResults } from "../studio-lab.ts";
import type { KeptDecoder } from "./lab-kept.ts";

/** What a run is taken away from. */
export interface LabExportGround {
  readonly run: LabRunRecord;
  readonly model: DecoderModel;
  readonly kept: KeptDecoder;
  readonly results: LabResults;
}

export function labExportOffers({ results }: LabExportGround): readonly LabExportOffer[] {
  return [{ format: "report-json", bytes: JSON.stringify(results.comparison).length, obstacle: null }];
}

export function exportLab({ run, results }: LabExportGround, format: LabExportFormat): SentBytes {
  const { comparison, constrained } = results;
  const report = { run: run.number, recipe: run.recipe, dataHash: run.dataHash, comparison, constrained };
  const bytes = new TextEncoder().encode(`${JSON.stringify(report, null, 2)}\n`);
  return { name: `retune-lab-run-${run.number}-${format}.json`, bytes, verified: "figures only, no rows" };
}
