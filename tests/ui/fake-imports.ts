import type { FileReport, ImportReport } from "../../src/app/studio-data.ts";
import type {
  DatasetExport,
  DatasetTarget,
  FoundFile,
  ImportChoices,
  ImportStudio,
  UnfinishedImport,
} from "../../src/app/studio-import.ts";

const SMALL = { format: "Markdown", accepted: true, passages: 4, questions: 0, problems: [] } as const;

const BEIR: Omit<FileReport, "name"> = {
  ...{ format: "BEIR (corpus, queries, qrels)", accepted: true, problems: [] },
  ...{ passages: 3633, questions: 3237 },
  splits: [
    { name: "train", side: "train", questions: 2590 },
    { name: "dev", side: "train", questions: 323, elsewhere: 1 },
    { name: "test", side: "test", questions: 324 },
    { name: "held", side: null, questions: 40 },
  ],
};

/** Imports made up from the names of files: bad*, beir*, rows*, columns*. */
export class FakeImports implements ImportStudio {
  #unfinished: UnfinishedImport | null = null;

  look(files: readonly File[]): Promise<readonly FoundFile[]> {
    return Promise.resolve(files.map(foundOf));
  }

  start(_projectId: string, files: readonly File[], choices: ImportChoices = {}): Promise<ImportReport> {
    const reports = files.map(({ name }) => reportOf(name, choices));
    const accepted = reports.filter((file) => file.accepted);
    return Promise.resolve({
      files: reports,
      total: {
        files: reports.length,
        accepted: accepted.length,
        passages: accepted.reduce((sum, file) => sum + file.passages, 0),
      },
      waiting: reports.some((file) => !file.accepted && file.badRows !== undefined),
      resumed: 0,
    });
  }

  unfinished(): Promise<UnfinishedImport | null> {
    return Promise.resolve(this.#unfinished);
  }

  stopAt(unfinished: UnfinishedImport): void {
    this.#unfinished = unfinished;
  }

  discard(): Promise<void> {
    this.#unfinished = null;
    return Promise.resolve();
  }

  targets(): Promise<readonly DatasetTarget[]> {
    return Promise.resolve([
      { format: "llamaindex", label: "LlamaIndex dataset", containers: [] },
      { format: "st-pairs", label: "sentence-transformers pairs", containers: ["jsonl", "csv", "parquet"] },
    ]);
  }

  exportDataset(): Promise<DatasetExport> {
    const file = { name: "handbook-train.jsonl", blob: new Blob(["{}"]), verified: "90 questions read back" };
    return Promise.resolve({
      file,
      losses: ["12 questions have several right passages; a row each is written."],
    });
  }
}

function foundOf({ name, size }: File): FoundFile {
  if (!name.startsWith("columns")) return { name, bytes: size, readAs: null, offers: [] };
  const columns = ["a", "b", "c"];
  return {
    ...{ name, bytes: size, readAs: "st-pairs", offers: ["st-pairs", "passages", "text"] },
    table: {
      columns,
      rows: [
        ["How long is leave?", "Leave lasts 25 days a year for everybody in the house.", "handbook"],
        ["Who locks up?", "The warden locks the north store at six.", "handbook"],
      ],
      roles: { a: "question", b: "passage", c: "ignore" },
    },
    ambiguous:
      "no column has a known name; a is taken for the question and b for the right text, by their order",
  };
}

function reportOf(name: string, choices: ImportChoices): FileReport {
  if (name.startsWith("bad")) {
    const error = {
      code: "E_JSON",
      message: "Unexpected end of the text; a closing } is missing.",
      place: { file: name, line: 3, column: 7 },
    } as const;
    return { ...SMALL, name, accepted: false, passages: 0, problems: [{ severity: "error", error }] };
  }
  if (name.startsWith("beir")) return { ...BEIR, name };
  if (!name.startsWith("rows")) {
    return { ...SMALL, name, format: name.endsWith(".json") ? "LlamaIndex dataset" : "Markdown" };
  }
  const shown = [
    { file: name, line: 3, reason: "the row has no text for its passage" },
    { file: name, line: 9, reason: "2 cells where 3 are expected" },
  ];
  const accepted = choices.files?.[name]?.skipBadRows === true;
  return { ...SMALL, name, format: "Passages, CSV", accepted, badRows: { count: 7, shown } };
}
