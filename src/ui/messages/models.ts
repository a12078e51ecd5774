import type { EncoderView, ProjectView, RunExportFormat } from "../../app/studio.ts";
import { plural } from "../format.ts";

const FORMATS: Readonly<Record<RunExportFormat, { name: string; text: string }>> = {
  llamaindex: {
    name: "LlamaIndex adapter",
    text: "A folder (.zip) with config.json and pytorch_model.bin that LinearAdapterEmbeddingModel and AdapterEmbeddingModel load.",
  },
  safetensors: { name: "safetensors", text: "The weights alone, for any framework." },
  fusion: {
    name: "fusion.json",
    text: "Weights and rules of hybrid search: BM25, z-scores, dense and lexical shares.",
  },
  "metrics-csv": { name: "Metrics .csv", text: "With the header that sentence-transformers writes." },
  "report-json": { name: "Report .json", text: "Every measure, interval and question of the judgement." },
};

const ORIGINS: Readonly<Record<EncoderView["origin"], string>> = {
  site: "of this site",
  folder: "from your folder",
  hub: "from the hub",
  "imported-vectors": "imported vectors",
  endpoint: "endpoint",
};

export const models = {
  title: "Models",
  runs: "Tuned adapters",
  empty: "No tuned adapter yet",
  emptyText: "Train one, or bring one that was trained elsewhere.",
  toTrain: "Go to Train",
  export: "Export",
  exportHint: "Plain files that you own. Each is read back and compared before it is handed over.",
  formats: FORMATS,
  saved: (name: string, verified: string): string => `${name} saved: ${verified.replace(/\.$/, "")}.`,
  saving: "Writing…",
  importAdapter: "Import an adapter",
  importHint:
    "config.json with pytorch_model.bin, or a .safetensors file. Pickles with anything but tensors are refused.",
  importDrop: "Drop an adapter's files here",
  imported: (number: number): string => `Read as run ${number}.`,
  whole: "The whole project",
  wholeText: (view: ProjectView): string =>
    `Sources, ${plural(view.questions, "question", "questions")}, splits, vectors and runs in one .zip, for a backup or another device.`,
  projectZip: "Project .zip",
  trainDataset: "Training dataset .json",
  testDataset: "Test dataset .json",
  encoders: "Embedding models",
  encoderText: (encoder: EncoderView): string =>
    `${plural(encoder.dimension, "dimension", "dimensions")}, ${encoder.precision}, ${ORIGINS[encoder.origin]}`,
  encoderReady: "ready",
  encoderMissing: "not on this device",
  encoderHint: "Chosen per project under Data, Sources.",
  snippets: "Use it in your code",
  snippetsHint: "The adapter goes over the question's vector only; passages keep the vectors they have.",
  snippetTabs: { llamaindex: "Python (LlamaIndex)", python: "Plain Python", javascript: "JavaScript" },
  snippetLabel: "Code",
} as const;
