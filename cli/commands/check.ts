import { resolve } from "node:path";
import type { Dataset } from "../../src/domain/data/dataset.ts";
import { checkQuestions, GATE } from "../../src/domain/data/gate.ts";
import type { GateReport } from "../../src/domain/data/gate.ts";
import { leakReport } from "../../src/domain/data/leak-report.ts";
import type { LeakReport, SideVectors } from "../../src/domain/data/leak-report.ts";
import { rowOf, type Matrix } from "../../src/domain/matrix.ts";
import type { Encoder } from "../../src/domain/ports.ts";
import { RetuneError } from "../../src/engine/errors.ts";
import type { Command } from "../command.ts";
import { loadDataset, showWarnings } from "../job-data.ts";
import { openEncoder } from "../ports/encoder.ts";
import { writeWhole } from "../ports/files.ts";
import { ProgressLine } from "../ports/progress.ts";
import { embedTexts } from "../ports/vectors.ts";

interface Side {
  readonly dataset: Dataset;
  readonly vectors?: { readonly questions: Matrix; readonly passages: Matrix };
}

/** `retune check`: which questions are not worth training on, and what of a test was seen in training. */
export const checkCommand: Command = {
  shape: {
    usage: "check DATA.json [--against TRAIN.json] [--out FILE]",
    summary: "flag questions not worth training on, and what of a test stands in training",
    positionals: { name: "a dataset file", atLeast: 1, atMost: 1 },
    options: {
      against: { value: "FILE", help: "training data: what of DATA was seen there" },
      model: {
        value: "MODEL",
        help: "also compare meanings by this model, and search by it; default: words",
      },
      top: { value: "N", help: `a question's passage must be among the first N, default ${GATE.top}` },
      out: { value: "FILE", help: "everything that was found, as JSON" },
    },
    details:
      "Flags: context (points at a text a searcher does not see), copy, duplicate, not-found (by the search), short, empty.\n" +
      "Leaks: equal questions and passages, shared 5-word runs of at least 30 %, vectors with cosine of at least .95.",
  },
  async run({ positionals, options }, { root }) {
    const top = topOf(options["top"]);
    const loaded = await loadDataset(resolve(positionals[0]!));
    const against = options["against"];
    const other = against === undefined ? undefined : await loadDataset(resolve(against));
    showWarnings(loaded);
    const encoder = options["model"] === undefined ? undefined : await openEncoder(root, options["model"]);
    try {
      const own = await sideOf(root, loaded.dataset, encoder, "the data");
      const train = await sideOf(
        root,
        other?.dataset ?? { queries: [], passages: [] },
        encoder,
        "the training data",
      );
      const line = new ProgressLine("checking");
      const gate = await checkQuestions(own.dataset, { top, onProgress: line.show, ...gateVectors(own) });
      const leaks = await leakReport(train.dataset, own.dataset, {
        onProgress: line.show,
        ...leakVectors(train, own),
      });
      line.finish(`${own.dataset.queries.length} questions`);
      process.stdout.write(summaryOf(own.dataset, gate, top, leaks, other !== undefined));
      const out = options["out"];
      if (out === undefined) return;
      await writeWhole(resolve(out), jsonOf(own.dataset, gate, top, leaks, other !== undefined));
      process.stdout.write(`${resolve(out)}\n`);
    } finally {
      await encoder?.close();
    }
  },
};

function topOf(text: string | undefined): number {
  if (text === undefined) return GATE.top;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new RetuneError("usage", `--top must be a whole number of at least 1, got "${text}"`);
}

async function sideOf(
  root: string,
  dataset: Dataset,
  encoder: Encoder | undefined,
  label: string,
): Promise<Side> {
  if (!encoder || dataset.passages.length === 0) return { dataset };
  const texts = (rows: readonly { readonly text: string }[]): string[] => rows.map(({ text }) => text);
  const options = { instruction: "", label };
  const questions = await embedTexts(root, encoder, texts(dataset.queries), options);
  return {
    dataset,
    vectors: { questions, passages: await embedTexts(root, encoder, texts(dataset.passages), options) },
  };
}

function gateVectors({ vectors }: Side): Pick<NonNullable<Parameters<typeof checkQuestions>[1]>, "vectors"> {
  return vectors ? { vectors: { questions: rowsOf(vectors.questions), passages: vectors.passages } } : {};
}

function leakVectors(
  train: Side,
  test: Side,
): { readonly vectors?: { readonly train: SideVectors; readonly test: SideVectors } } {
  const rows = ({ vectors }: Side): SideVectors => ({
    questions: vectors ? rowsOf(vectors.questions) : [],
    passages: vectors ? rowsOf(vectors.passages) : [],
  });
  return test.vectors ? { vectors: { train: rows(train), test: rows(test) } } : {};
}

function rowsOf(matrix: Matrix): Float32Array[] {
  return Array.from({ length: matrix.rows }, (_, row) => rowOf(matrix, row));
}

function summaryOf(
  { queries }: Dataset,
  { flags, counts, searched }: GateReport,
  top: number,
  leaks: LeakReport,
  compared: boolean,
): string {
  const by = searched.hybrid > 0 ? "hybrid search" : "BM25";
  const tied = new Set(leaks.ties.test.map(({ passage }) => passage)).size;
  const lines = [
    `${flags.size} of ${queries.length} questions flagged (passage looked for among the first ${top} by ${by})`,
    ...Object.entries(counts).map(([kind, count]) => `  ${kind.padEnd(12)} ${count}`),
    `${tied} right passages have a near-copy in the same corpus`,
  ];
  if (compared) {
    lines.push(`${leaks.questions.length} of ${queries.length} questions were seen in training`);
    lines.push(...leaks.counts.map(({ kind, found, of }) => `  ${kind.padEnd(14)} ${found} of ${of}`));
    lines.push(`  ${leaks.groups.length} groups hang together across the sides`);
  }
  return `${lines.join("\n")}\n`;
}

function jsonOf(
  { queries, passages }: Dataset,
  { flags, counts, searched }: GateReport,
  top: number,
  leaks: LeakReport,
  compared: boolean,
): string {
  const gate = { flagged: flags.size, counts, searched, top, flags: Object.fromEntries(flags) };
  const { ties, ...rest } = leaks;
  const found = {
    questions: queries.length,
    passages: passages.length,
    gate,
    ties: ties.test,
    ...(compared ? { leaks: rest } : {}),
  };
  return `${JSON.stringify(found, null, 2)}\n`;
}
