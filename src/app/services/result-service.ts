import { encoderById, knownEncoders, spaceOf } from "../encoders/known-encoders.ts";
import type { ModelSource } from "../encoders/model-source.ts";
import { readAdapterFolder, readAdapterSafetensors } from "../../domain/formats/adapter-folder.ts";
import { VectorSearch } from "../../domain/eval/vector-search.ts";
import { EQUAL_WEIGHTS, fusionOf } from "../../domain/eval/fusion.ts";
import type { AdapterConfig } from "../../domain/models/adapter-config.ts";
import { readFusion } from "../../domain/formats/fusion-json.ts";
import { sha256 } from "../../domain/data/hash.ts";
import type { Backend } from "../../engine/backend.ts";
import { mergeAdapter } from "../../domain/models/merge-adapter.ts";
import { RetuneError } from "../../engine/errors.ts";
import { cachedRows } from "../jobs/embed.ts";
import { exportOffers } from "../jobs/export-offers.ts";
import { exportTuned, zippedFolder } from "../jobs/export-tuned.ts";
import { exportFigures, exportRun } from "../jobs/export-run.ts";
import { queryAdapterFolder } from "../jobs/query-adapter-export.ts";
import { importedRun, importTunedRun, isTunedFolder, pickedPaths } from "../jobs/import-tuned-run.ts";
import { queryInstructionOf } from "../jobs/recipe-facts.ts";
import { merged } from "../jobs/project-data.ts";
import { keepResult, loadResult, resultKey } from "../jobs/result-store.ts";
import type { KeptAdapter } from "../jobs/result-store.ts";
import { searchGround, searchSideBySide } from "../jobs/search.ts";
import { loadTrained } from "../jobs/trained-store.ts";
import type { SearchGround } from "../jobs/search.ts";
import type { DataMethods, QueryVectors, SentBytes } from "../protocol/calls.ts";
import { trainedModelId } from "../storage/run-store.ts";
import type { Recipe } from "../studio-training.ts";
import type { ExportOffer } from "../studio-models.ts";
import type { SearchAnswer } from "../studio-playground.ts";
import { bytesOf, dataHash } from "./data-service.ts";
import type { DataService } from "./data-service.ts";

const NOTHING = new VectorSearch({ rows: 0, columns: 0, values: new Float32Array() });
type Of<Name extends keyof DataMethods> = DataMethods[Name]["params"];

/** Search, exports and imports of what training made: the other half of the data worker. */
export class ResultService {
  private readonly data: DataService;
  private readonly models: ModelSource;
  private readonly openBackend: () => Promise<Backend>;
  private ground: { readonly key: string; readonly ground: SearchGround } | undefined;
  private tuned:
    { readonly runId: string; readonly ground: SearchGround; readonly corpus: VectorSearch } | undefined;

  constructor(data: DataService, models: ModelSource, openBackend: () => Promise<Backend>) {
    this.data = data;
    this.models = models;
    this.openBackend = openBackend;
  }

  /** A question's vector where it is cached (a test question), else null: then the encoder must be asked. */
  async queryVector({ projectId, text, instruction }: Of<"queryVector">): Promise<Float32Array | null> {
    const { workspace } = this.data;
    const { encoderId } = await workspace.projects.get(projectId);
    const encoder = await encoderById(workspace, encoderId);
    const [row] = await workspace.vectors.find(spaceOf(encoder, instruction), [text]);
    return row ? row.slice() : null;
  }

  async search({ projectId, request, vectors }: Of<"search">): Promise<SearchAnswer> {
    const { workspace } = this.data;
    const ground = await this.groundOf(projectId, request.view !== "lexical");
    if (request.runId === undefined) return searchSideBySide(ground, request, vectors, null);
    const run = await workspace.runs.get(request.runId);
    const instructed = queryInstructionOf(run.recipe) !== "";
    const { task } = run.recipe;
    if (task === "encoder" || task === "lora") {
      const { fusion } = await loadTrained(workspace.checkpoints, run.id, task);
      const by = { kind: "encoder", ...(await this.tunedSide(run.id, ground, vectors)) } as const;
      return searchSideBySide(ground, request, vectors, { instructed, fusion, by });
    }
    const kept = await loadResult(workspace.checkpoints, request.runId);
    const by = { kind: "adapter", kept } as const;
    return searchSideBySide(ground, request, vectors, { instructed, fusion: kept.fusion, by });
  }

  /** The passages by a tuned encoder, from the cache, kept for the next question; a search by words needs none. */
  private async tunedSide(
    runId: string,
    ground: SearchGround,
    { tuned }: QueryVectors,
  ): Promise<{ readonly query: Float32Array; readonly corpus: VectorSearch }> {
    if (!tuned) return { query: new Float32Array(), corpus: NOTHING };
    if (this.tuned?.runId !== runId || this.tuned.ground !== ground) {
      const { vectors } = this.data.workspace;
      const encoder = await encoderById(this.data.workspace, trainedModelId(runId));
      const texts = ground.dataset.passages.map(({ text }) => text);
      const corpus = new VectorSearch(await cachedRows(vectors, encoder, texts, ""));
      this.tuned = { runId, ground, corpus };
    }
    return { query: tuned, corpus: this.tuned.corpus };
  }

  /** How a run can be taken away. */
  async exports({ runId }: Of<"exports">): Promise<readonly ExportOffer[]> {
    const { runs, checkpoints } = this.data.workspace;
    const whole = (await this.data.workspace.model(trainedModelId(runId)))?.bytes ?? null;
    return exportOffers(await runs.get(runId), { kept: await checkpoints.size(resultKey(runId)), whole });
  }

  async exportRun({ runId, format, options }: Of<"exportRun">): Promise<SentBytes> {
    const { workspace } = this.data;
    const run = await workspace.runs.get(runId);
    const figures = format === "metrics-csv" || format === "report-json";
    if (run.recipe.task !== "adapter") {
      return figures
        ? exportFigures(run, await workspace.runs.results(runId), format)
        : exportTuned(
            { workspace, models: this.models, openBackend: this.openBackend },
            run,
            format,
            options,
          );
    }
    const kept = atStrength(await loadResult(workspace.checkpoints, runId), options.strength);
    if (format === "query-router") {
      const folder = queryAdapterFolder(await this.models.encoder(run.encoderId), kept);
      return zippedFolder(folder, `retune-run-${run.number}-${format}`);
    }
    const report = await workspace.runs.report(runId).catch((error: unknown) => {
      if (error instanceof RetuneError && error.code === "usage") return null;
      throw error;
    });
    const encoder = (await knownEncoders(workspace)).find((each) => each.id === run.encoderId);
    const model = encoder?.name ?? run.encoderId;
    return exportRun({ run, kept, report, model }, format);
  }

  /** What was tuned elsewhere as a run of its own, not judged yet: an adapter, a PEFT folder, a whole model. */
  async importAdapter({ projectId, files }: Of<"importAdapter">): Promise<string> {
    const { workspace } = this.data;
    const paths = new Map<string, Uint8Array>();
    for (const file of files) paths.set(file.name, await bytesOf(file));
    const { name, files: folder } = pickedPaths(paths);
    if (isTunedFolder(folder)) {
      return (await importTunedRun({ workspace, models: this.models }, projectId, name, folder)).id;
    }
    const contents = new Map([...paths].map(([path, bytes]) => [path.split("/").at(-1)!, bytes]));
    const project = await workspace.projects.get(projectId);
    const encoder = await encoderById(workspace, project.encoderId);
    const single = contents.has("config.json")
      ? undefined
      : [...contents].find(([name]) => name.endsWith(".safetensors"));
    const { config, weights } = single
      ? readAdapterSafetensors(single[1], single[0])
      : readAdapterFolder(contents);
    if (config.features !== encoder.dimension) {
      const text = `The adapter is for ${config.features} dimensions; ${encoder.name} gives ${encoder.dimension}.`;
      throw new RetuneError("E_MISMATCH", `${text} Choose the model it was trained with.`);
    }
    const stored = contents.get("fusion.json");
    const fusion = stored
      ? readFusion(new TextDecoder().decode(stored), "fusion.json")
      : fusionOf(EQUAL_WEIGHTS);
    const run = await workspace.runs.create(importedRun(projectId, project.encoderId, adapterRecipe(config)));
    const kept = {
      config,
      weights,
      chosen: null,
      fusion: { base: fusion, tuned: fusion },
      losses: [],
      notes: [],
    };
    await keepResult(workspace.checkpoints, run.id, kept, "imported");
    return run.id;
  }

  private async groundOf(projectId: string, dense: boolean): Promise<SearchGround> {
    const { workspace } = this.data;
    const { project, data } = await this.data.open(projectId);
    const key = await sha256(`${await dataHash(data)} ${project.encoderId} ${dense}`);
    if (this.ground?.key === key) return this.ground.ground;
    const dataset = { ...merged([data.train, data.test]), queries: [] };
    if (dataset.passages.length === 0) {
      throw new RetuneError(
        "too-little-data",
        "There is nothing to search yet. Import files on the Data screen.",
      );
    }
    this.ground = undefined; // the old vectors go before the new ones come
    this.tuned = undefined;
    const encoder = await encoderById(workspace, project.encoderId);
    const texts = dataset.passages.map(({ text }) => text);
    const corpus = dense ? await cachedRows(workspace.vectors, encoder, texts, "") : null;
    const ground = searchGround(dataset, corpus);
    this.ground = { key, ground };
    return ground;
  }
}

function adapterRecipe(adapter: AdapterConfig): Recipe {
  return { task: "adapter", settings: { mode: "recommended", adapter, seed: 0 } };
}

/** An adapter blended with the identity; as it was trained where no strength is asked for. */
function atStrength(kept: KeptAdapter, strength: number | undefined): KeptAdapter {
  if (strength === undefined || strength === 1) return kept;
  return { ...kept, weights: mergeAdapter(kept.config, kept.weights, strength) };
}
