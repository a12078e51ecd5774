import type { ExportLayout } from "../../domain/formats/parity.ts";
import type { CrossEncoderModel, EncoderModel } from "../../domain/models/encoder-model.ts";
import type { Backend } from "../../engine/backend.ts";
import type { FolderFiles } from "../../domain/formats/adapter-folder.ts";
import { writeFusion } from "../../domain/formats/fusion-json.ts";
import { openZip } from "../../domain/formats/zip.ts";
import { writeZip } from "../../domain/formats/zip-writer.ts";
import { interpolateModel, scaleLora } from "../../domain/models/interpolate.ts";
import type { TrainedRouter } from "../../domain/recipes/router/router-job.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { ModelSource } from "../encoders/model-source.ts";
import type { SentBytes } from "../protocol/calls.ts";
import type { RunRecord } from "../storage/records.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { ExportOptions, RunExportFormat } from "../studio-models.ts";
import { cardFacts } from "./card-facts.ts";
import { clusterFolder } from "./cluster-export.ts";
import { minesNegatives, requiredEncoderData } from "./encoder-data.ts";
import { withParity } from "./export-parity.ts";
import { owned } from "./export-run.ts";
import { trainingPart } from "./ladder.ts";
import { projectData } from "./project-data.ts";
import { firstSearch } from "./judge-tuned.ts";
import { routerAt } from "./router-at.ts";
import { runInputs } from "./run-adapter.ts";
import type { RouterRecipe } from "./run-router.ts";
import { loadTrained } from "./trained-store.ts";
import {
  crossEncoderFolder,
  onnxFolder,
  peftFolder,
  routerFolder,
  sentenceTransformersFolder,
} from "./tuned-exports.ts";
import type { ExportedFolder, OnnxExport } from "./tuned-exports.ts";

export interface TunedExportPorts {
  readonly workspace: Workspace;
  readonly models: ModelSource;
  readonly openBackend: () => Promise<Backend>;
}

const PRECISIONS: Readonly<Partial<Record<RunExportFormat, OnnxExport["precision"]>>> = {
  onnx: "fp32",
  "onnx-fp16": "fp16",
  "onnx-int8": "int8",
};

/** A trained encoder, re-ranker or router in a format of others, at a strength between its base and itself. */
export async function exportTuned(
  ports: TunedExportPorts,
  run: RunRecord,
  format: RunExportFormat,
  options: ExportOptions,
): Promise<SentBytes> {
  const stem = `retune-run-${run.number}`;
  if (format === "fusion") return fusionFile(ports, run);
  return zippedFolder(await folderOf(ports, run, format, options), `${stem}-${format}`);
}

/** A folder as a zip that was unpacked again and compared byte for byte. */
export function zippedFolder(folder: ExportedFolder, top: string): SentBytes {
  const contents = [...folder.files].map(([name, bytes]) => ({ name: `${top}/${name}`, bytes }));
  const bytes = writeZip(contents);
  requireSame(bytes, top, folder.files);
  return { name: `${top}.zip`, bytes: owned(bytes), verified: `unpacked again; ${folder.verified}` };
}

const LAYOUTS: Readonly<Partial<Record<RunExportFormat, ExportLayout>>> = {
  "sentence-transformers": "sentence-transformers",
  peft: "peft-encoder",
  onnx: "onnx",
  "onnx-fp16": "onnx",
  "onnx-int8": "onnx",
  "cross-encoder": "cross-encoder",
};

/** With its README and parity file, computed by our own kernels on this device. */
async function checked(
  { openBackend, workspace }: TunedExportPorts,
  run: RunRecord,
  format: RunExportFormat,
  model: EncoderModel | CrossEncoderModel,
  folder: ExportedFolder,
): Promise<ExportedFolder> {
  const { recipe, dataHash: dataSha256 } = run;
  const provenance = {
    ...{ base: model.name, recipe: recipe.task, dataSha256 },
    facts: await cardFacts(workspace, run),
  };
  const backend = await openBackend();
  try {
    return await withParity(backend, folder, model, LAYOUTS[format]!, provenance);
  } finally {
    backend.dispose();
  }
}

async function folderOf(
  ports: TunedExportPorts,
  run: RunRecord,
  format: RunExportFormat,
  { strength = 1, pooled = true }: ExportOptions,
): Promise<ExportedFolder> {
  const { recipe } = run;
  const precision = PRECISIONS[format];
  if (recipe.task === "encoder" || recipe.task === "lora") {
    if (format === "cluster") return clusterOf(ports, run);
    const model = await tunedAt(ports, run, strength);
    const whole = (folder: ExportedFolder) => checked(ports, run, format, model, folder);
    if (format === "peft" && recipe.task === "lora") return whole(await peftOf(ports, run, strength));
    if (format === "sentence-transformers") return whole(sentenceTransformersFolder(model));
    if (precision) return whole(onnxFolder(model, { precision, pooled, ...(await baseGraph(ports, run)) }));
  }
  if (recipe.task === "cross-encoder") {
    const mixed = await rerankerAt(ports, run, recipe.base, strength);
    const whole = (folder: ExportedFolder) => checked(ports, run, format, mixed, folder);
    if (format === "cross-encoder") return whole(crossEncoderFolder(mixed));
    if (precision) return whole(onnxFolder(mixed, { precision, pooled: false }));
  }
  if (recipe.task === "router" && format === "router") {
    return routerFolder(await mixedRouter(ports, run, recipe, strength));
  }
  throw new RetuneError("unsupported", `What a ${recipe.task} run trained is not exported as ${format}.`);
}

async function mixedRouter(
  ports: TunedExportPorts,
  run: RunRecord,
  recipe: RouterRecipe,
  strength: number,
): Promise<TrainedRouter> {
  if (strength === 1) return loadTrained(ports.workspace.checkpoints, run.id, recipe.task);
  const backend = await ports.openBackend();
  try {
    return (await routerAt(ports, run, recipe, { strength, backend })).router;
  } finally {
    backend.dispose();
  }
}

/** The tuned encoder between its base (0) and itself (1). */
export async function tunedAt(
  { models }: Pick<TunedExportPorts, "models">,
  run: RunRecord,
  strength: number,
) {
  const tuned = await models.tunedEncoder(run);
  return strength === 1 ? tuned : interpolateModel(await models.baseOf(run), tuned, strength);
}

/** The tuned re-ranker between its base (0) and itself (1). */
export async function rerankerAt(
  { workspace, models }: Pick<TunedExportPorts, "workspace" | "models">,
  run: RunRecord,
  baseId: string | undefined,
  strength: number,
): Promise<CrossEncoderModel> {
  const { model } = await loadTrained(workspace.checkpoints, run.id, "cross-encoder");
  if (strength === 1) return model;
  const base = await models.either(baseId ?? run.encoderId);
  const { weights } = interpolateModel(base, { ...base, weights: model.weights }, strength);
  return { ...model, weights };
}

/** The training side as the run had it; this export alone holds its texts. */
async function clusterOf({ workspace, models }: TunedExportPorts, run: RunRecord): Promise<ExportedFolder> {
  const { projectId, recipe } = run;
  if (recipe.task !== "encoder" && recipe.task !== "lora") {
    throw new RetuneError("unsupported", `A ${recipe.task} is not taken to a cluster.`);
  }
  const { split } = await workspace.projects.get(projectId);
  const { train } = projectData(await workspace.projects.contents(projectId), split);
  const pairs = (await workspace.parts.pairs(projectId))?.rows ?? [];
  const dataset = trainingPart(train, run);
  const mined = minesNegatives(recipe.settings);
  const vectors = mined ? (await runInputs(workspace, run, recipe.queryInstruction)).train.vectors : null;
  const { data } = requiredEncoderData(dataset, () => firstSearch(dataset, vectors), pairs, recipe.settings);
  const { settings, anchors } = recipe;
  const given = { ...data, ...(anchors ? { anchors } : {}) };
  return clusterFolder({ model: await models.baseOf(run), data: given, settings });
}

async function peftOf(
  { workspace, models }: TunedExportPorts,
  run: RunRecord,
  strength: number,
): Promise<ExportedFolder> {
  const { tuned } = await loadTrained(workspace.checkpoints, run.id, "lora");
  if (tuned.kind !== "lora") throw new RetuneError("corrupt", "This LoRA run has kept no LoRA weights.");
  const base = await models.baseOf(run);
  return peftFolder(scaleLora(tuned.adapter, strength), { name: base.name, layers: base.config.layers });
}

/** The base's own ONNX graph where there is one, so that what loads the base loads the tuned model. */
async function baseGraph(
  { models }: TunedExportPorts,
  run: RunRecord,
): Promise<{ readonly base?: Uint8Array }> {
  const graph = await models.onnxOf(run);
  return graph ? { base: graph } : {};
}

async function fusionFile({ workspace }: TunedExportPorts, run: RunRecord): Promise<SentBytes> {
  const { task } = run.recipe;
  if (task !== "encoder" && task !== "lora")
    throw new RetuneError("unsupported", `A ${task} has no fusion weights.`);
  const { fusion } = await loadTrained(workspace.checkpoints, run.id, task);
  const bytes = owned(new TextEncoder().encode(writeFusion(fusion.tuned)));
  return { name: "fusion.json", bytes, verified: "equal weights of words and vectors" };
}

function requireSame(bytes: Uint8Array, top: string, files: FolderFiles): void {
  const archive = openZip(bytes);
  for (const [name, written] of files) {
    const entry = archive.entries.get(`${top}/${name}`);
    const back = entry && archive.extract(entry);
    const same = back?.length === written.length && back.every((byte, index) => byte === written[index]);
    if (!same) throw new RetuneError("corrupt", `${top}/${name} reads back differently; export again.`);
  }
}
