import { sha256 } from "../../domain/data/hash.ts";
import type { RunControl } from "../../domain/ports.ts";
import { RetuneError } from "../../engine/errors.ts";
import { MODEL_FILE } from "../encoders/encoder-hash.ts";
import type { Precision } from "../encoders/encoder-hash.ts";
import type { ModelFolders } from "../encoders/folder-store.ts";
import { downloadHubModel, lookUpHubModel } from "../encoders/hub-models.ts";
import type { HubModel, HubOptions } from "../encoders/hub-models.ts";
import { DEFAULT_ENCODER, encoderById, knownEncoders } from "../encoders/known-encoders.ts";
import type { EncoderFacts } from "../encoders/known-encoders.ts";
import type { SentFile } from "../protocol/calls.ts";
import type { Workspace } from "../storage/workspace.ts";
import type { EncoderView, EndpointRequest } from "../studio-models.ts";
import { folderFiles } from "./files.ts";
import type { Environment } from "./environment.ts";
import type { WorkerPool } from "./worker-pool.ts";

export interface EncoderShelfPorts {
  readonly workspace: Workspace;
  readonly workers: WorkerPool;
  readonly environment: Environment;
  readonly folders: ModelFolders;
  readonly hub?: HubOptions;
}

const PRECISIONS: readonly Precision[] = ["fp32", "int8"]; // the first that is there is the one chosen

const WEIGHTS = /\.(onnx|safetensors)$/;

/** The models a person can choose, and the keys of endpoints, which live here and nowhere else. */
export class EncoderShelf {
  private readonly ports: EncoderShelfPorts;
  private readonly keys = new Map<string, string>();

  constructor(ports: EncoderShelfPorts) {
    this.ports = ports;
  }

  keyOf(encoderId: string): string | undefined {
    return this.keys.get(encoderId);
  }

  async list(): Promise<readonly EncoderView[]> {
    return (await knownEncoders(this.ports.workspace)).map((encoder) => this.viewOf(encoder));
  }

  async choose(projectId: string, encoderId: string): Promise<void> {
    await encoderById(this.ports.workspace, encoderId);
    await this.ports.workspace.projects.update(projectId, (project) => ({ ...project, encoderId }));
  }

  /** Tries the model, then keeps its files in this browser. Paths are those inside the picked folder. */
  async addFolder(files: readonly File[]): Promise<EncoderView> {
    const { name, kept } = folderFiles(files);
    if (!PRECISIONS.some((precision) => kept.has(MODEL_FILE[precision])) || !kept.has("tokenizer.json")) {
      const text = `The folder ${name} needs tokenizer.json and onnx/model.onnx. It has ${[...kept.keys()].join(", ")}.`;
      throw new RetuneError("model-missing", text);
    }
    const precisions = PRECISIONS.filter((precision) => kept.has(MODEL_FILE[precision]));
    const added: EncoderView[] = [];
    for (const precision of precisions) added.push(await this.addOnnx(name, kept, precision, "folder"));
    return added[0]!;
  }

  async lookUpHubModel(id: string): Promise<HubModel> {
    this.needsConnected("look up a model");
    return lookUpHubModel(id, this.ports.hub);
  }

  /** Fetches a model's fp32 files from the hub; then it goes the way of a picked folder. */
  async addHubModel(id: string, control: RunControl = {}): Promise<EncoderView> {
    const files = await downloadHubModel(await this.lookUpHubModel(id), control, this.ports.hub);
    return this.addOnnx(id, files, "fp32", "hub");
  }

  private needsConnected(action: string): void {
    if (this.ports.environment.view.page === "connected") return;
    const text = `This page cannot reach other machines. Open the connected page to ${action}.`;
    throw new RetuneError("unsupported", text);
  }

  /** Tries one precision of a model and keeps its files; int8 is another model, with vectors of its own. */
  private async addOnnx(
    name: string,
    files: ReadonlyMap<string, Blob>,
    precision: Precision,
    origin: "folder" | "hub",
  ): Promise<EncoderView> {
    const { workspace, workers, folders } = this.ports;
    const own = new Map([...files].filter(([path]) => !WEIGHTS.test(path) || path === MODEL_FILE[precision]));
    const sent: SentFile[] = [...own].map(([path, blob]) => ({ name: path, blob: new Blob([blob]) }));
    const { dimension, queryInstruction, hash } = await workers.embed.call("inspect", {
      files: sent,
      name,
      precision,
    });
    const id = `${origin}-${hash.slice(0, 16)}`;
    await folders.keep(id, own);
    const record = { id, name, origin, dimension, precision, queryInstruction, hash };
    await workspace.saveEncoder(record);
    return this.viewOf(record);
  }

  /** An OpenAI-compatible endpoint; texts will leave this machine, so only the connected page can. */
  async addEndpoint({ url, model, key }: EndpointRequest): Promise<EncoderView> {
    this.needsConnected("use an endpoint");
    const hash = await sha256(JSON.stringify(["endpoint", url, model]));
    const id = `endpoint-${hash.slice(0, 16)}`;
    if (key !== undefined && key !== "") this.keys.set(id, key);
    const record = { id, name: model, origin: "endpoint" as const, url, hash, queryInstruction: "" };
    const open = { ...record, dimension: 0, precision: "unknown" as const };
    await this.ports.workspace.saveEncoder(open);
    const address = { encoderId: id, ...(key === undefined ? {} : { key }) };
    const trial = this.ports.workers.embed.call("encode", { ...address, instruction: "", texts: ["a"] });
    const vector = await trial.catch(async (error: unknown) => {
      await this.ports.workspace.removeEncoder(id); // an endpoint that does not answer is not kept
      throw error;
    });
    const known = { ...open, dimension: vector.length };
    await this.ports.workspace.saveEncoder(known);
    return this.viewOf(known);
  }

  private viewOf(encoder: EncoderFacts): EncoderView {
    const { id, name, origin, dimension, precision, queryInstruction } = encoder;
    const { page, defaultModel } = this.ports.environment.view;
    const available =
      id === DEFAULT_ENCODER.id ? defaultModel === "ready" : origin !== "endpoint" || page === "connected";
    return { id, name, origin, available, dimension, precision, queryInstruction };
  }
}
