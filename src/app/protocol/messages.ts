import type { Progress } from "../../domain/ports.ts";
import type { WireError } from "../../engine/errors.ts";

// What crosses between the page and a worker: types only, imported by both ends.

/** The methods of one worker: name → parameters and result, all structured-cloneable. */
export type Methods<M> = {
  readonly [Name in keyof M]: { readonly params: unknown; readonly result: unknown };
};

export type ToWorker =
  | { readonly kind: "hello"; readonly life: string } // name of the lock the worker holds while it lives
  | { readonly kind: "call"; readonly id: number; readonly method: string; readonly params: unknown }
  | { readonly kind: "cancel"; readonly id: number };

export type FromWorker<Event> =
  | { readonly kind: "alive" }
  | { readonly kind: "result"; readonly id: number; readonly value: unknown }
  | { readonly kind: "failure"; readonly id: number; readonly error: WireError }
  | { readonly kind: "progress"; readonly id: number; readonly progress: Progress }
  | { readonly kind: "event"; readonly event: Event };

/** The part of Worker, MessagePort and DedicatedWorkerGlobalScope that both ends need. */
export interface Channel {
  postMessage(message: unknown): void;
  addEventListener(type: "message" | "messageerror" | "error", listener: (event: Event) => void): void;
}

/** A channel whose other end can be ended. */
export interface WorkerChannel extends Channel {
  terminate(): void;
}
