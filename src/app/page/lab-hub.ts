import type { RunControl } from "../../domain/ports.ts";
import { RetuneError } from "../../engine/errors.ts";
import { lookUpHubDecoder } from "../encoders/hub-decoders.ts";
import { downloadHubModel, type HubModel, type HubOptions } from "../encoders/hub-models.ts";
import type { KeptAs } from "../encoders/keep-decoder.ts";
import type { LabHubStudio, LabModelView } from "../studio-lab.ts";
import type { Environment } from "./environment.ts";
import type { WorkerPool } from "./worker-pool.ts";

interface LabHubPorts {
  readonly workers: WorkerPool;
  readonly environment: Environment;
  readonly hub?: HubOptions;
}

/** Decoders from the hub: what was fetched goes the way of a picked folder. */
export class LabHub implements LabHubStudio {
  private readonly ports: LabHubPorts;

  constructor(ports: LabHubPorts) {
    this.ports = ports;
  }

  async lookUp(id: string): Promise<HubModel> {
    if (this.ports.environment.view.page === "connected") return lookUpHubDecoder(id, this.ports.hub);
    const text = "This page cannot reach other machines. Open the connected page to look up a model.";
    throw new RetuneError("unsupported", text);
  }

  async add(model: HubModel, keptAs: KeptAs = "files", control: RunControl = {}): Promise<LabModelView> {
    const fetched = await downloadHubModel(model, control, this.ports.hub);
    const name = model.id.split("/").at(-1)!;
    const files = [...fetched].map(([path, blob]) => ({ name: `${name}/${path}`, blob }));
    return this.ports.workers.lab.call("addModel", { files, keptAs, origin: "hub" }, control);
  }
}
