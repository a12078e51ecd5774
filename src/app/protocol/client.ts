import type { RunControl } from "../../domain/ports.ts";
import { RetuneError, fromWire } from "../../engine/errors.ts";
import type { FromWorker, Methods, ToWorker, WorkerChannel } from "./messages.ts";

/** The worker is gone: everything that was pending is rejected with this, and nothing more will come. */
export class WorkerLost extends Error {
  constructor(reason: string) {
    super(`The background worker stopped: ${reason}`);
    this.name = "WorkerLost";
  }
}

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress: RunControl["onProgress"];
  readonly stopListening: () => void;
}

/**
 * The page's end. Replies are matched by id; a worker that fails, is closed or dies rejects everything pending, so
 * that no promise waits for ever.
 */
export class Client<M extends Methods<M>, Event = never> {
  private readonly channel: WorkerChannel;
  private readonly onEvent: (event: Event) => void;
  private readonly onLost: (error: WorkerLost) => void;
  private readonly pending = new Map<number, Pending>();
  private readonly life = `retune-worker-${crypto.randomUUID()}`;
  private nextId = 1;
  private lost: Error | undefined;

  constructor(
    channel: WorkerChannel,
    onEvent: (event: Event) => void = () => undefined,
    onLost: (error: WorkerLost) => void = () => undefined,
  ) {
    this.channel = channel;
    this.onEvent = onEvent;
    this.onLost = onLost;
    channel.addEventListener("message", (event) =>
      this.receive((event as MessageEvent<FromWorker<Event>>).data),
    );
    channel.addEventListener("messageerror", () => this.lose("a message could not be read"));
    channel.addEventListener("error", (event) => {
      event.preventDefault();
      this.lose((event as ErrorEvent).message || "its script failed to load or crashed");
    });
    this.send({ kind: "hello", life: this.life });
  }

  get alive(): boolean {
    return this.lost === undefined;
  }

  call<Name extends keyof M & string>(
    method: Name,
    params: M[Name]["params"],
    { signal, onProgress }: RunControl = {},
  ): Promise<M[Name]["result"]> {
    if (this.lost) return Promise.reject(this.lost);
    if (signal?.aborted) return Promise.reject(new RetuneError("cancelled", "Cancelled before it started."));
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      const cancel = (): void => this.send({ kind: "cancel", id });
      signal?.addEventListener("abort", cancel, { once: true });
      const stopListening = (): void => signal?.removeEventListener("abort", cancel);
      this.pending.set(id, { resolve, reject, onProgress, stopListening });
      try {
        this.send({ kind: "call", id, method, params });
      } catch (error) {
        this.take(id)?.reject(error instanceof Error ? error : new Error(String(error))); // cannot be cloned
      }
    });
  }

  /** Ends the worker; whatever is pending rejects with code "cancelled". */
  close(): void {
    this.channel.terminate();
    this.rejectAll(new RetuneError("cancelled", "The background worker was ended."));
  }

  private receive(message: FromWorker<Event>): void {
    switch (message.kind) {
      case "alive":
        this.watchLife();
        return;
      case "event":
        this.onEvent(message.event);
        return;
      case "progress":
        this.pending.get(message.id)?.onProgress?.(message.progress);
        return;
      case "result":
        this.take(message.id)?.resolve(message.value as never);
        return;
      case "failure":
        this.take(message.id)?.reject(fromWire(message.error));
    }
  }

  /** Waits in line for the lock the worker holds: it is granted the moment the worker is gone. */
  private watchLife(): void {
    void navigator.locks.request(this.life, () => this.lose("it was killed or crashed"));
  }

  private lose(reason: string): void {
    if (this.lost) return;
    const error = new WorkerLost(reason);
    this.channel.terminate();
    this.rejectAll(error);
    this.onLost(error);
  }

  private rejectAll(error: Error): void {
    this.lost ??= error;
    for (const id of [...this.pending.keys()]) this.take(id)?.reject(error);
  }

  private take(id: number): Pending | undefined {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    pending?.stopListening();
    return pending;
  }

  private send(message: ToWorker): void {
    this.channel.postMessage(message);
  }
}
