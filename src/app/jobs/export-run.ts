import type { EvaluationReport, SystemName } from "../../domain/eval/report.ts";
import { llamaIndexObstacle } from "../../domain/formats/adapter-config-json.ts";
import {
  compareAdapters,
  readAdapterFolder,
  readAdapterSafetensors,
  writeAdapterFolder,
  writeAdapterSafetensors,
} from "../../domain/formats/adapter-folder.ts";
import { readFusion, writeFusion } from "../../domain/formats/fusion-json.ts";
import { METRICS_CSV_NAME, writeMetricsCsv } from "../../domain/formats/metrics-csv.ts";
import { openZip } from "../../domain/formats/zip.ts";
import { writeZip } from "../../domain/formats/zip-writer.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { SentBytes } from "../protocol/calls.ts";
import type { RunRecord } from "../storage/records.ts";
import type { RunExportFormat } from "../studio-models.ts";
import type { RunResults } from "../studio-training.ts";
import { exportReadme } from "./export-readme.ts";
import { queryInstructionOf } from "./recipe-facts.ts";
import type { KeptAdapter } from "./result-store.ts";

export interface ExportedRun {
  readonly run: RunRecord;
  readonly kept: KeptAdapter;
  readonly report: EvaluationReport | null; // null: imported and not judged
  readonly model: string;
}

/** A run in a format of others. Whatever is written is read back and compared before it is handed over. */
export function exportRun(exported: ExportedRun, format: RunExportFormat): SentBytes {
  const { run, kept } = exported;
  const stem = `retune-run-${run.number}`;
  switch (format) {
    case "llamaindex":
      return folderExport(exported, stem);
    case "safetensors":
      return safetensorsExport(exported, `${stem}.safetensors`);
    case "fusion": {
      const text = writeFusion(kept.fusion.tuned);
      const same = JSON.stringify(readFusion(text)) === JSON.stringify(kept.fusion.tuned);
      if (!same) throw readsBackDifferently("fusion.json");
      return { name: "fusion.json", bytes: encoded(text), verified: "both weights read back and compared" };
    }
    case "metrics-csv":
      return metricsExport(reportOf(exported));
    case "report-json": {
      const report = reportOf(exported);
      const text = `${JSON.stringify({ run: runFacts(run), chosen: kept.chosen, report }, null, 2)}\n`;
      const verified = `${report.rows.length} questions, parsed back`;
      return { name: `${stem}-report.json`, bytes: encoded(text), verified };
    }
    default:
      throw new RetuneError("unsupported", `An adapter is not exported as ${format}.`);
  }
}

function folderExport({ run, kept, model }: ExportedRun, stem: string): SentBytes {
  const files = writeAdapterFolder(kept);
  const readme = exportReadme(kept.config, model, queryInstructionOf(run.recipe));
  const contents = [
    ...[...files].map(([name, bytes]) => ({ name: `llamaindex/${name}`, bytes })),
    { name: "adapter.safetensors", bytes: writeAdapterSafetensors(kept) },
    { name: "fusion.json", bytes: encoded(writeFusion(kept.fusion.tuned)) },
    { name: "README.md", bytes: encoded(readme) },
  ];
  const bytes = writeZip(contents);
  const archive = openZip(bytes);
  const folder = new Map(
    [...files.keys()].map((name) => [name, archive.extract(archive.entries.get(`llamaindex/${name}`)!)]),
  );
  compareAdapters(kept, readAdapterFolder(folder), "llamaindex");
  const numbers = count(kept).toLocaleString("en");
  const obstacle = llamaIndexObstacle(kept.config);
  const hint = obstacle ? `. ${obstacle}; README.md has code that does` : "";
  const verified = `unpacked again; all ${numbers} weights equal bit for bit${hint}`;
  return { name: `${stem}-llamaindex.zip`, bytes: owned(bytes), verified };
}

function safetensorsExport({ run, kept, model }: ExportedRun, name: string): SentBytes {
  const notes = new Map([
    ["model", model],
    ["query_instruction", queryInstructionOf(run.recipe)],
  ]);
  const bytes = writeAdapterSafetensors(kept, notes);
  compareAdapters(kept, readAdapterSafetensors(bytes, name), name);
  const verified = `all ${count(kept).toLocaleString("en")} weights read back equal bit for bit`;
  return { name, bytes: owned(bytes), verified };
}

/** The figures of a run that trained a model. */
export function exportFigures(
  run: RunRecord,
  results: RunResults,
  format: "metrics-csv" | "report-json",
): SentBytes {
  if (format === "metrics-csv") {
    if (results.kind === "retrieval") return metricsExport(results.report);
    throw new RetuneError("unsupported", `The figures of a ${results.kind} run have no such columns.`);
  }
  const text = `${JSON.stringify({ run: runFacts(run), ...results }, null, 2)}\n`;
  const verified = `${results.report.rows.length} questions, parsed back`;
  return { name: `retune-run-${run.number}-report.json`, bytes: encoded(text), verified };
}

function metricsExport(report: EvaluationReport): SentBytes {
  const order: readonly SystemName[] = ["base", "tuned"];
  const rows = order.flatMap((system, index) => {
    const metrics = report.systems[system];
    return metrics ? [{ epoch: index === 0 ? 0 : -1, steps: index === 0 ? 0 : -1, metrics }] : [];
  });
  const text = writeMetricsCsv(rows);
  const lines = text.trimEnd().split("\n").length - 1;
  if (lines !== rows.length) throw readsBackDifferently(METRICS_CSV_NAME);
  return {
    name: METRICS_CSV_NAME,
    bytes: encoded(text),
    verified: `${lines} rows: base (epoch 0) and tuned (−1)`,
  };
}

function reportOf({ report }: ExportedRun): EvaluationReport {
  if (report) return report;
  throw new RetuneError("usage", "This adapter was imported and has not been judged, so it has no metrics.");
}

function runFacts(run: RunRecord): object {
  const { number, recipe, backend, build, seconds, dataHash, notes, testOpenings = null } = run;
  return { number, ...recipe, backend, build, seconds, dataHash, testOpenings, notes };
}

function count({ weights }: KeptAdapter): number {
  return [...weights.values()].reduce((sum, { values }) => sum + values.length, 0);
}

function readsBackDifferently(name: string): RetuneError {
  return new RetuneError("corrupt", `${name} reads back differently than it was written; export again.`);
}

function encoded(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** A copy in a buffer of its own, as sending needs it. */
export function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
