import type { ProjectView } from "../../app/studio-data.ts";
import type { EncoderView, ModelView, ProjectWeight, RunExportFormat } from "../../app/studio-models.ts";
import type { RunSummary } from "../../app/studio-training.ts";
import { bytes, count, plural } from "../format.ts";

const FORMATS: Readonly<Record<RunExportFormat, { name: string; text: string }>> = {
  llamaindex: {
    name: "LlamaIndex adapter",
    text: "A folder (.zip) with config.json and pytorch_model.bin that LinearAdapterEmbeddingModel and AdapterEmbeddingModel load.",
  },
  safetensors: { name: "safetensors", text: "The weights alone, for any framework." },
  "query-router": {
    name: "Query-side folder",
    text: "A sentence-transformers folder (.zip) whose question side carries the adapter.",
  },
  "sentence-transformers": {
    name: "sentence-transformers folder",
    text: "The tuned encoder (.zip) as sentence-transformers 2 to 6 load it.",
  },
  peft: { name: "PEFT adapter", text: "The LoRA weights alone (.zip), for peft and transformers." },
  onnx: { name: "ONNX, fp32", text: "For transformers.js and ONNX Runtime." },
  "onnx-fp16": { name: "ONNX, fp16", text: "Half the size; nearly the same vectors." },
  "onnx-int8": { name: "ONNX, int8", text: "A quarter of the size; vectors differ a little." },
  "cross-encoder": {
    name: "CrossEncoder folder",
    text: "The re-ranker (.zip) as sentence-transformers' CrossEncoder loads it.",
  },
  router: { name: "Router", text: "Choices, weights, threshold and a short piece of code (.zip)." },
  cluster: {
    name: "Take it to a cluster",
    text: "Data, settings and a script that repeats the same training on many GPUs (.zip).",
  },
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
  trained: "trained here",
  "imported-vectors": "imported vectors",
  endpoint: "endpoint",
};

export const models = {
  title: "Models",
  runs: "Tuned here",
  empty: "Nothing tuned yet",
  emptyText: "Train one, or bring one that was trained elsewhere.",
  toTrain: "Go to Train",
  export: "Export",
  exportHint: "Plain files that you own. Each is read back and compared before it is handed over.",
  formats: FORMATS,
  saved: (name: string, verified: string): string => `${name} saved: ${verified.replace(/\.$/, "")}.`,
  saving: "Writing…",
  importAdapter: "Import what was tuned elsewhere",
  importHint:
    "An adapter (config.json with pytorch_model.bin, or .safetensors), a PEFT folder of a model that is here, or a tuned " +
    "encoder or re-ranker with all its weights; also as the .zip that Retune exports.",
  importDrop: "Drop an adapter's or model's files here",
  imported: ({ number, recipe }: RunSummary): string =>
    recipe.task === "adapter"
      ? `Read as run ${number}.`
      : `Read as run ${number}. It is embedded with and judged like a run of your own; see Train, History.`,
  whole: "The whole project",
  wholeText: (view: ProjectView): string =>
    `Sources, ${plural(view.questions, "question", "questions")}, choices, splits and runs in one .zip, for a backup or ` +
    "another device. Vectors are made again there.",
  projectZip: "Project .zip",
  weighed: ({ models: tuned, modelBytes }: ProjectWeight): string =>
    `This project has ${plural(tuned, "trained model", "trained models")} that make its file ${bytes(modelBytes)} larger. ` +
    "Without them their runs stay behind as well; data and adapters are in it either way.",
  withModels: "With the trained models",
  withoutModels: "Without them",
  trainDataset: "Training dataset .json",
  testDataset: "Test dataset .json",
  encoders: "Embedding models",
  encoderText: (encoder: EncoderView): string =>
    `${plural(encoder.dimension, "dimension", "dimensions")}, ${encoder.precision}, ${ORIGINS[encoder.origin]}`,
  encoderReady: "ready",
  encoderMissing: "not on this device",
  encoderHint: "Chosen per project under Data, Sources.",
  withWeights: "Models that can be trained",
  withWeightsHint:
    "BERT-type encoders and re-rankers whose weights are here: what LoRA, full fine-tunes, re-rankers and routers start from.",
  modelText: ({ kind, origin, parameters, layers, hidden, bytes: size }: ModelView): string =>
    [
      kind === "encoder" ? "encoder" : "re-ranker",
      ORIGINS[origin],
      parameters === null ? "" : `${count(parameters)} weights`,
      layers === null || hidden === null ? "" : `${count(layers)} layers of ${count(hidden)}`,
      size === null ? "" : bytes(size),
    ]
      .filter((part) => part !== "")
      .join(", "),
  addModel: "Add a model's folder",
  addModelHint:
    "config.json, tokenizer.json and model.safetensors or an ONNX file, as sentence-transformers saves them.",
  exportOptions: (run: string): string => `Export ${run}`,
  about: (size: number): string => `about ${bytes(size)}`,
  strength: (percent: string): string => `Strength ${percent}: 0 is the base, 100 % the tuned weights.`,
  noExports: "This run has nothing to take away.",
  snippets: "Use it in your code",
  snippetsHint: "The adapter goes over the question's vector only; passages keep the vectors they have.",
  snippetTabs: { llamaindex: "Python (LlamaIndex)", python: "Plain Python", javascript: "JavaScript" },
  snippetLabel: "Code",
} as const;
