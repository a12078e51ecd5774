import { Client } from "../protocol/client.ts";
import type { DataMethods, EmbedMethods, TrainMethods, WorkerEvent } from "../protocol/calls.ts";
import type { LabMethods } from "../protocol/lab-calls.ts";
import type { WorkerChannel } from "../protocol/messages.ts";

export type WorkerName = "data" | "embed" | "train" | "lab";
export type OpenWorker = (name: WorkerName) => WorkerChannel;

/** The workers, each started at its first call and again after it was lost. */
export class WorkerPool {
  private readonly open: OpenWorker;
  private readonly onEvent: (event: WorkerEvent) => void;
  private dataClient: Client<DataMethods, WorkerEvent> | undefined;
  private embedClient: Client<EmbedMethods, WorkerEvent> | undefined;
  private trainClient: Client<TrainMethods, WorkerEvent> | undefined;
  private labClient: Client<LabMethods, WorkerEvent> | undefined;

  constructor(open: OpenWorker, onEvent: (event: WorkerEvent) => void) {
    this.open = open;
    this.onEvent = onEvent;
  }

  get data(): Client<DataMethods, WorkerEvent> {
    if (!this.dataClient?.alive) this.dataClient = new Client(this.open("data"), this.onEvent);
    return this.dataClient;
  }

  get embed(): Client<EmbedMethods, WorkerEvent> {
    if (!this.embedClient?.alive) this.embedClient = new Client(this.open("embed"), this.onEvent);
    return this.embedClient;
  }

  get train(): Client<TrainMethods, WorkerEvent> {
    if (!this.trainClient?.alive) this.trainClient = new Client(this.open("train"), this.onEvent);
    return this.trainClient;
  }

  get lab(): Client<LabMethods, WorkerEvent> {
    if (!this.labClient?.alive) this.labClient = new Client(this.open("lab"), this.onEvent);
    return this.labClient;
  }

  /** Ends the lab's worker; what it was doing rejects as cancelled. */
  endLab(): void {
    this.labClient?.close();
    this.labClient = undefined;
  }

  /** Ends the training worker; what it was doing rejects as cancelled. */
  endTraining(): void {
    this.trainClient?.close();
    this.trainClient = undefined;
  }

  endAll(): void {
    for (const client of [this.dataClient, this.embedClient, this.trainClient, this.labClient])
      client?.close();
  }
}
