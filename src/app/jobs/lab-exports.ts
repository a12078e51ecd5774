import {
  weightsHash,
  writeDecoderCard,
  type CardMetric,
  type DecoderLayout,
} from "../../domain/formats/decoder-card.ts";
import { readGgufLora, writeGgufLora } from "../../domain/formats/gguf-lora.ts";
import { mergedBytes, mergedDecoder } from "../../domain/formats/merged-decoder.ts";
import { readPeftFolder, writePeftFolder } from "../../domain/formats/peft-folder.ts";
import type { DecoderModel } from "../../domain/models/decoder-model.ts";
import type { LoraAdapter } from "../../domain/models/encoder-model.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { LabRunRecord } from "../storage/lab-records.ts";
import type { LabExportFormat, LabExportOffer, LabResults } from "../studio-lab.ts";
import type { ExportedFile } from "../studio-models.ts";
import { BlobZip } from "./blob-zip.ts";
import type { KeptDecoder } from "./lab-kept.ts";

/** What a run is taken away from. */
export interface LabExportGround {
  readonly run: LabRunRecord;
  readonly system: string;
  readonly model: DecoderModel;
  readonly kept: KeptDecoder;
  readonly results: LabResults;
}

const ZIP_LIMIT = 4e9; // bytes: larger archives need another format
const NO_LORA = "All weights were trained: take the whole model.";

export function labExportOffers({ kept, model, results }: LabExportGround): readonly LabExportOffer[] {
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
    { format: "report-json", bytes: JSON.stringify(results.comparison).length, obstacle: null },
  ];
}

/** What was learnt as others load it, read back and compared. */
export async function exportLab(ground: LabExportGround, format: LabExportFormat): Promise<ExportedFile> {
  if (format === "report-json") return reportFile(ground);
  if (format === "merged") return mergedFile(ground);
  const { tuned } = ground.kept;
  if (tuned.kind !== "lora") throw new RetuneError("usage", NO_LORA);
  return format === "peft" ? peftFile(ground, tuned.adapter) : ggufFile(ground, tuned.adapter);
}

function reportFile({ run, system, results }: LabExportGround): ExportedFile {
  const { comparison, constrained } = results;
  const { number, recipe, dataHash } = run;
  const report = { run: number, system, recipe, dataHash, comparison, constrained };
  const blob = new Blob([`${JSON.stringify(report, null, 2)}\n`], { type: "application/json" });
  return { name: `retune-lab-run-${number}-report.json`, blob, verified: "figures only, no rows" };
}

async function peftFile(ground: LabExportGround, adapter: LoraAdapter): Promise<ExportedFile> {
  const { config, name } = ground.model;
  const files = writePeftFolder(adapter, { base: name, task: "decoder", layers: config.layers });
  const verified = compared(adapter, readPeftFolder(files).adapter, "PEFT");
  return zipped(ground, "peft", files, verified);
}

async function ggufFile(ground: LabExportGround, adapter: LoraAdapter): Promise<ExportedFile> {
  const { config, name } = ground.model;
  const bytes = writeGgufLora(adapter, config, { name: `${name} ${ground.system}` });
  const verified = compared(adapter, readGgufLora(bytes, config), "GGUF");
  return zipped(ground, "gguf-lora", new Map([["adapter.gguf", bytes]]), verified);
}

async function zipped(
  ground: LabExportGround,
  layout: DecoderLayout,
  files: ReadonlyMap<string, Uint8Array>,
  verified: string,
): Promise<ExportedFile> {
  const zip = new BlobZip(stemOf(ground, layout));
  for (const [path, bytes] of files) zip.add(path, bytes);
  zip.add("README.md", await card(ground, layout));
  return zip.file(verified);
}

/** Written part by part, so that a model never is in memory; the browser keeps the parts where it likes. */
async function mergedFile(ground: LabExportGround): Promise<ExportedFile> {
  const { model, kept } = ground;
  const zip = new BlobZip(stemOf(ground, "merged"));
  for await (const { path, bytes } of mergedDecoder(model, kept.tuned, "f16")) zip.add(path, bytes);
  zip.add("README.md", await card(ground, "merged"));
  return zip.file("every part read back from the archive and compared");
}

function stemOf({ run }: LabExportGround, layout: DecoderLayout): string {
  return `retune-lab-run-${run.number}-${layout}`;
}

async function card(ground: LabExportGround, layout: DecoderLayout): Promise<Uint8Array> {
  const { run, system, model, kept, results } = ground;
  const { tuned } = kept;
  const metrics = results.comparison.figures.map(({ key, base, tuned: after }): CardMetric => ({
    ...{ key, base, tuned: after },
  }));
  const lora = tuned.kind === "lora" ? tuned.adapter : null;
  return writeDecoderCard({
    ...{ layout, name: `${model.name}-${system}`, base: model.name, metrics, dataSha256: run.dataHash },
    baseSha256: await weightsHash(model.files),
    recipe: lora
      ? `LoRA, rank ${lora.rank}, alpha ${lora.alpha}, ${lora.targets.join(", ")}`
      : "Full fine-tune",
    facts: { system, "judged rows": results.comparison.rows, seed: run.recipe.settings.seed },
  });
}

/** Throws "corrupt" at the first tensor that did not come back bit for bit. */
function compared(written: LoraAdapter, read: LoraAdapter, format: string): string {
  let numbers = 0;
  for (const [name, { values }] of written.weights) {
    const back = read.weights.get(name)?.values;
    if (!back || back.length !== values.length || values.some((value, at) => !Object.is(value, back[at]))) {
      throw new RetuneError("corrupt", `The ${format} export reads back differently: ${name}. Export again.`);
    }
    numbers += values.length;
  }
  return `all ${numbers.toLocaleString("en")} numbers read back equal bit for bit`;
}
