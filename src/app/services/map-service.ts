import { RetuneError } from "../../engine/errors.ts";
import { encoderById } from "../encoders/known-encoders.ts";
import { mapView } from "../jobs/map-points.ts";
import type { MapTuning } from "../jobs/map-points.ts";
import { queryInstructionOf } from "../jobs/recipe-facts.ts";
import { loadResult } from "../jobs/result-store.ts";
import type { DataMethods } from "../protocol/calls.ts";
import type { Handlers } from "../protocol/host.ts";
import type { RunRecord } from "../storage/records.ts";
import { trainedModelId } from "../storage/run-store.ts";
import type { MapRequest, MapView } from "../studio-map.ts";
import { dataHash } from "./data-service.ts";
import type { DataService } from "./data-service.ts";

/** Maps of a project's texts: another part of the data worker. */
export class MapService {
  private readonly data: DataService;

  constructor(data: DataService) {
    this.data = data;
  }

  readonly draw: Handlers<DataMethods>["drawMap"] = async ({ projectId, request }, control) => {
    const { workspace } = this.data;
    const { project, data } = await this.data.open(projectId);
    const run = request.runId === undefined ? null : await workspace.runs.get(request.runId);
    const encoder = await encoderById(workspace, run?.encoderId ?? project.encoderId);
    const tuning = run && (await this.tuningOf(run));
    const value = await mapView({ data, encoder, vectors: workspace.vectors, tuning }, request, control);
    const kept = { projectId, kind: kindOf(request, encoder.id), dataHash: await dataHash(data), value };
    await workspace.parts.saveFinding(run ? { ...kept, runId: run.id } : kept);
    return value.ids.length;
  };

  async view({ projectId, request }: DataMethods["map"]["params"]): Promise<MapView | null> {
    const { workspace } = this.data;
    const { project, data } = await this.data.open(projectId);
    const run = request.runId === undefined ? null : await workspace.runs.get(request.runId);
    const kind = kindOf(request, run?.encoderId ?? project.encoderId);
    const place = { dataHash: await dataHash(data), ...(run ? { runId: run.id } : {}) };
    return ((await workspace.parts.finding(projectId, kind, place))?.value as MapView | undefined) ?? null;
  }

  private async tuningOf(run: RunRecord): Promise<MapTuning> {
    const { workspace } = this.data;
    const instruction = queryInstructionOf(run.recipe);
    const { task } = run.recipe;
    if (task === "adapter") {
      return { kind: "adapter", kept: await loadResult(workspace.checkpoints, run.id), instruction };
    }
    if (task === "encoder" || task === "lora") {
      return { kind: "encoder", encoder: await encoderById(workspace, trainedModelId(run.id)), instruction };
    }
    throw new RetuneError("usage", `A ${task} moves no vectors: there is no map of it.`);
  }
}

function kindOf({ method }: MapRequest, encoderId: string): string {
  return `map ${method} ${encoderId}`;
}
