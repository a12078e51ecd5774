import { toWire } from "../../engine/errors.ts";
import type { WorkerEvent } from "../protocol/calls.ts";
import { Host } from "../protocol/host.ts";
import type { Handlers } from "../protocol/host.ts";
import type { Channel, Methods } from "../protocol/messages.ts";
import { Workspace } from "../storage/workspace.ts";
import { installTrustedTypes } from "../trusted-types.ts";
import { countOutgoing } from "./outgoing.ts";

export interface WorkerGround {
  readonly workspace: Workspace;
  readonly site: string; // address of the folder that holds models/, samples/ and ort/
  readonly tell: (event: WorkerEvent) => void;
}

/** What every worker does first: script policy, count of outgoing requests, its own connection to the database. */
export function startWorker<M extends Methods<M>>(handlersOf: (ground: WorkerGround) => Handlers<M>): void {
  installTrustedTypes();
  const scope = globalThis as unknown as Channel & { readonly location: Location };
  const tell = (event: WorkerEvent): void => host.emit(event);
  const workspace = new Workspace({
    onProblem: (error) => tell({ kind: "storage-problem", error: toWire(error) }),
  });
  countOutgoing((url) => tell({ kind: "request", url }));
  const site = new URL("../", scope.location.href).href; // workers lie one folder below the site
  const host = new Host<M, WorkerEvent>(scope, handlersOf({ workspace, site, tell }));
}
