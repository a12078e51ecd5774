import type { LabTask, LabTaskId } from "../../domain/lab/lab-task.ts";
import type { RunControl } from "../../domain/ports.ts";
import type { Backend } from "../../engine/backend.ts";
import { LAB_TASK_IDS, labTask } from "../../domain/lab/registry.ts";
import { rowBytes } from "../../domain/lab/row-bytes.ts";
import { DecoderSource, NANO_DECODER } from "../encoders/decoder-source.ts";
import type { ModelFolders } from "../encoders/folder-store.ts";
import { interruptible } from "../jobs/interruptible-backend.ts";
import { askLab } from "../jobs/lab-ask.ts";
import { labData, rowView, splitView } from "../jobs/lab-data.ts";
import { distilRows, type LabTaught } from "../jobs/lab-distil.ts";
import { estimateChats } from "../jobs/lab-estimate.ts";
import { exportLab, labExportOffers } from "../jobs/lab-exports.ts";
import { loadDecoder, openPair, type OpenPair } from "../jobs/lab-kept.ts";
import { planLab } from "../jobs/lab-plan.ts";
import { exportLabProject, importLabProject } from "../jobs/lab-project.ts";
import { recommendedRecipe } from "../jobs/lab-recipe.ts";
import { findSearch } from "../jobs/lab-retrieval.ts";
import { labSample } from "../jobs/lab-sample.ts";
import { runLab, type LabRunPorts } from "../jobs/lab-run.ts";
import type { LabEvent, LabMethods } from "../protocol/lab-calls.ts";
import type { Handlers } from "../protocol/host.ts";
import type { LabFileRecord, LabRunRecord } from "../storage/lab-records.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { BackendChoice } from "../studio.ts";
import type {
  LabEstimate,
  LabFileView,
  LabModelView,
  LabRecipe,
  LabRowView,
  LabSystem,
  LabView,
} from "../studio-lab.ts";
import type { BackendPort } from "./train-service.ts";

type Of<Name extends keyof LabMethods> = LabMethods[Name]["params"];

export interface LabServicePorts {
  readonly workspace: Workspace;
  readonly site: string;
  readonly folders: ModelFolders;
  readonly backends: BackendPort;
  readonly tell: (event: LabEvent) => void;
  readonly freeBytes: () => Promise<number | null>;
}

/** Models that are open to be asked, kept between questions. */
interface Asked {
  readonly key: string;
  readonly backend: Backend;
  readonly pair: OpenPair;
}

/** The lab's worker: rows, training, questions, exports. It owns one device at a time. */
export class LabService {
  private readonly ports: LabServicePorts;
  private readonly decoders: DecoderSource;
  private readonly wishes = new Map<string, "pause" | "stop">();
  private asked: Asked | undefined;

  constructor(ports: LabServicePorts) {
    this.ports = ports;
    this.decoders = new DecoderSource({ ...ports, lab: ports.workspace.lab });
  }

  get workspace(): Workspace {
    return this.ports.workspace;
  }

  systems(): Promise<readonly LabSystem[]> {
    return Promise.resolve(LAB_TASK_IDS.map((id) => systemView(labTask(id))));
  }

  async split({ labId }: Of<"split">): Promise<LabView["split"]> {
    return splitView(await this.data(labId));
  }

  async readFile({ labId, side, file, skipBadRows }: Of<"readFile">): Promise<LabFileView> {
    const { lab } = this.ports.workspace;
    const { system } = await lab.get(labId);
    const bytes = await rowBytes(file.name, new Uint8Array(await file.blob.arrayBuffer()));
    const { examples, notes } = labTask(system).read(file.name, bytes, { skipBadRows });
    const record: LabFileRecord = { labId, side, name: file.name, bytes: bytes.slice(), skipBadRows };
    const view: LabFileView = { side, name: file.name, bytes: bytes.length, rows: examples.length, notes };
    await lab.saveFile(record, view);
    return view;
  }

  async fillSample({ labId, system }: Of<"fillSample">): Promise<null> {
    for (const { side, name, bytes } of await labSample(system, this.ports.site))
      await this.readFile({ labId, side, file: { name, blob: new Blob([bytes]) }, skipBadRows: false });
    return null;
  }

  async rows({ labId, side, from, count }: Of<"rows">): Promise<readonly LabRowView[]> {
    const data = await this.data(labId);
    return data[side].slice(from, from + count).map((example) => rowView(data.task, example));
  }

  async estimate({ labId }: Of<"estimate">): Promise<LabEstimate> {
    const { lab } = this.ports.workspace;
    return estimateChats(lab, labId, await this.data(labId), await this.decoders.open(NANO_DECODER));
  }

  readonly distil: Handlers<LabMethods>["distil"] = async (
    { labId, teaching },
    control,
  ): Promise<LabTaught> => {
    const { workspace } = this.ports;
    const keep = (file: LabFileRecord): Promise<LabFileView> =>
      this.readFile({ ...file, file: { name: file.name, blob: new Blob([file.bytes]) } });
    return distilRows({ workspace, labId, keep, fetch: (url, init) => fetch(url, init) }, teaching, control);
  };

  models(): Promise<readonly LabModelView[]> {
    return this.decoders.list();
  }

  async addModel({ files, keptAs, origin }: Of<"addModel">, control: RunControl): Promise<LabModelView> {
    const freeBytes = await this.ports.freeBytes();
    return this.decoders.add(files, keptAs, { ...control, freeBytes }, origin);
  }

  async removeModel({ id }: Of<"removeModel">): Promise<null> {
    await this.decoders.remove(id);
    return null;
  }

  async recommended({ labId, base = NANO_DECODER }: Of<"recommended">): Promise<LabRecipe> {
    return recommendedRecipe(await this.data(labId), await this.decoders.open(base), base);
  }

  readonly plan: Handlers<LabMethods>["plan"] = ({ labId, recipe, choice }, { signal }) => {
    this.close();
    const openBackend = async () => interruptible(await this.ports.backends.open(choice, undefined), signal);
    return planLab({ store: this.ports.workspace.lab, decoders: this.decoders, openBackend }, labId, recipe);
  };

  train({ runId, choice, stop }: Of<"train">): Promise<LabRunRecord> {
    this.close();
    if (stop) this.wishes.set(runId, "stop");
    else this.wishes.delete(runId);
    return runLab(this.runPorts(runId, choice), runId);
  }

  pause({ runId }: Of<"pause">): Promise<null> {
    this.wishes.set(runId, "pause");
    return Promise.resolve(null);
  }

  stopAndKeep({ runId }: Of<"stopAndKeep">): Promise<null> {
    this.wishes.set(runId, "stop");
    return Promise.resolve(null);
  }

  readonly ask: Handlers<LabMethods>["ask"] = async ({ labId, askId, question, choice }, control) => {
    const data = await this.data(labId);
    const pair = await this.pairFor(question.runId, question.base ?? NANO_DECODER, choice);
    return askLab(
      data,
      pair,
      question,
      (answers) => this.ports.tell({ kind: "lab-answers", askId, answers }),
      control,
    );
  };

  async exports({ runId }: Of<"exports">): Promise<LabMethods["exports"]["result"]> {
    return labExportOffers(await this.exportGround(runId));
  }

  async exportRun({ runId, format }: Of<"exportRun">): Promise<LabMethods["exportRun"]["result"]> {
    return exportLab(await this.exportGround(runId), format);
  }

  private async exportGround(runId: string) {
    const { workspace } = this.ports;
    const run = await workspace.lab.run(runId);
    const model = await this.decoders.open(run.recipe.base);
    const kept = await loadDecoder(workspace.checkpoints, runId);
    const search = await findSearch(workspace.checkpoints, runId);
    const { system } = await workspace.lab.get(run.labId);
    return { run, system, model, kept, search, results: await workspace.lab.results(runId) };
  }

  private async pairFor(runId: string | undefined, base: string, choice: BackendChoice): Promise<OpenPair> {
    const { workspace, backends } = this.ports;
    const key = `${runId ?? base} ${choice}`;
    if (this.asked?.key === key) return this.asked.pair;
    this.close();
    const run = runId === undefined ? undefined : await workspace.lab.run(runId);
    const model = await this.decoders.open(run?.recipe.base ?? base);
    const kept = run ? await loadDecoder(workspace.checkpoints, run.id) : null;
    const backend = await backends.open(choice, undefined);
    try {
      const pair = await openPair(backend, model, kept, run?.recipe.settings.frozen);
      this.asked = { key, backend, pair };
      return pair;
    } catch (error) {
      backend.dispose();
      throw error;
    }
  }

  /** Lets go of the models that were asked: what trains needs the memory. */
  private close(): void {
    this.asked?.pair.dispose();
    this.asked?.backend.dispose();
    this.asked = undefined;
  }

  private async data(labId: string): ReturnType<typeof labData> {
    const { lab } = this.ports.workspace;
    return labData(lab, await lab.get(labId));
  }

  private runPorts(runId: string, choice: BackendChoice): LabRunPorts {
    const { workspace, backends, tell, freeBytes } = this.ports;
    return {
      ...{ store: workspace.lab, checkpoints: workspace.checkpoints, decoders: this.decoders, freeBytes },
      openBackend: (device) => backends.open(choice, device),
      now: () => performance.now(),
      emit: (run, checkpointAge) => tell({ kind: "lab-run", run, checkpointAge }),
      wish: () => this.wishes.get(runId) ?? "go",
    };
  }
}

/** Systems whose answers can be held to a schema or grammar. */
const CONSTRAINED: readonly LabTaskId[] = ["text-to-sql", "code", "function-calling"];

function systemView({ id, measures }: LabTask): LabSystem {
  return {
    ...{ id, canConstrain: CONSTRAINED.includes(id) },
    measures: measures.map(({ key, label, meaning, better, unit }) => ({
      key,
      label,
      meaning,
      better,
      unit,
    })),
  };
}

export function labHandlers(service: LabService): Handlers<LabMethods> {
  return {
    systems: () => service.systems(),
    split: (params) => service.split(params),
    readFile: (params) => service.readFile(params),
    fillSample: (params) => service.fillSample(params),
    rows: (params) => service.rows(params),
    estimate: (params) => service.estimate(params),
    distil: service.distil,
    models: () => service.models(),
    addModel: (params, control) => service.addModel(params, control),
    removeModel: (params) => service.removeModel(params),
    recommended: (params) => service.recommended(params),
    plan: service.plan,
    train: (params) => service.train(params),
    pause: (params) => service.pause(params),
    stopAndKeep: (params) => service.stopAndKeep(params),
    ask: service.ask,
    exportProject: ({ labId }) => exportLabProject(service.workspace, labId),
    importProject: ({ file }) => importLabProject(service.workspace, file),
    exports: (params) => service.exports(params),
    exportRun: (params) => service.exportRun(params),
  };
}
