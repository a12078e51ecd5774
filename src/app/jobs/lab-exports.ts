import type { CardMetric, DecoderLayout } from "../../domain/formats/decoder-card.ts";
import {
  exportCard,
  ggufExport,
  peftExport,
  type DecoderExport,
} from "../../domain/formats/decoder-exports.ts";
import { mergedBytes, mergedDecoder } from "../../domain/formats/merged-decoder.ts";
import type { DecoderModel } from "../../domain/models/decoder-model.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { LabRunRecord } from "../storage/lab-records.ts";
import type { LabExportFormat, LabExportOffer, LabResults } from "../studio-lab.ts";
import type { ExportedFile } from "../studio-models.ts";
import { BlobZip } from "./blob-zip.ts";
import type { KeptDecoder } from "./lab-kept.ts";
import type { KeptSearch } from "./lab-retrieval.ts";
import { searchAdapterBytes, searchAdapterFile } from "./lab-search-export.ts";

/** What a run is taken away from. */
export interface LabExportGround {
  readonly run: LabRunRecord;
  readonly system: string;
  readonly model: DecoderModel;
  readonly kept: KeptDecoder;
  readonly search: KeptSearch | null; // RA-DIT's tuned retriever
  readonly results: LabResults;
}

const ZIP_LIMIT = 4e9; // bytes: larger archives need another format
const NO_LORA = "All weights were trained: take the whole model.";

export function labExportOffers({
  kept,
  model,
  search,
  results,
}: LabExportGround): readonly LabExportOffer[] {
  const { tuned } = kept;
  const weights = tuned.kind === "lora" ? tuned.adapter.weights : new Map<string, { values: Float32Array }>();
  const adapter = [...weights.values()].reduce((sum, { values }) => sum + values.byteLength, 0);
  const merged = mergedBytes(model.config, "f16");
  const obstacle = tuned.kind === "lora" ? null : NO_LORA;
  const large = "The model is too large for one .zip: use the job file on the command line.";
  return [
    { format: "peft", bytes: adapter, obstacle },
    { format: "merged", bytes: merged, obstacle: merged > ZIP_LIMIT ? large : null },
    { format: "gguf", bytes: adapter, obstacle },
    ...(search ? [{ format: "retriever", bytes: searchAdapterBytes(search), obstacle: null } as const] : []),
    { format: "report-json", bytes: JSON.stringify(results.comparison).length, obstacle: null },
  ];
}

/** What was learnt as others load it, read back and compared. Errors: those of `peftExport`, `ggufExport`, `mergedDecoder`. */
export async function exportLab(ground: LabExportGround, format: LabExportFormat): Promise<ExportedFile> {
  if (format === "report-json") return reportFile(ground);
  if (format === "merged") return mergedFile(ground);
  if (format === "retriever") return retrieverFile(ground);
  const tuned = exported(ground);
  const { files, verified } = await (format === "peft" ? peftExport(tuned) : ggufExport(tuned));
  const zip = new BlobZip(stemOf(ground, format === "peft" ? "peft" : "gguf-lora"));
  for (const [path, bytes] of files) zip.add(path, bytes);
  return zip.file(verified);
}

function reportFile({ run, system, results }: LabExportGround): ExportedFile {
  const { rows: _rows, ...figures } = results;
  const { number, recipe, dataHash } = run;
  const report = { run: number, system, recipe, dataHash, ...figures };
  const blob = new Blob([`${JSON.stringify(report, null, 2)}\n`], { type: "application/json" });
  return { name: `retune-lab-run-${number}-report.json`, blob, verified: "figures only, no rows" };
}

async function retrieverFile({ run, search }: LabExportGround): Promise<ExportedFile> {
  if (search) return searchAdapterFile(`retune-lab-run-${run.number}-retriever`, search);
  throw new RetuneError("usage", "This run tuned no retriever.");
}

/** Written part by part, so that a model never is in memory; the browser keeps the parts where it likes. */
async function mergedFile(ground: LabExportGround): Promise<ExportedFile> {
  const { model, kept } = ground;
  const zip = new BlobZip(stemOf(ground, "merged"));
  for await (const { path, bytes } of mergedDecoder(model, kept.tuned, "f16")) zip.add(path, bytes);
  zip.add("README.md", await exportCard(exported(ground), "merged"));
  return zip.file("every part read back from the archive and compared");
}

function stemOf({ run }: LabExportGround, layout: DecoderLayout): string {
  return `retune-lab-run-${run.number}-${layout}`;
}

function exported({ run, system, model, kept, results }: LabExportGround): DecoderExport {
  const { figures, rows } = results.comparison;
  const metrics = figures.map(({ key, base, tuned }): CardMetric => ({ key, base, tuned }));
  const facts = { "judged rows": rows, seed: run.recipe.settings.seed };
  return { model, learnt: kept.tuned, system, facts, metrics, dataSha256: run.dataHash };
}
