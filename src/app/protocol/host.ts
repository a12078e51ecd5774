import type { RunControl } from "../../domain/ports.ts";
import { RetuneError, toWire } from "../../engine/errors.ts";
import type { Channel, FromWorker, Methods, ToWorker } from "./messages.ts";

export type Handlers<M extends Methods<M>> = {
  readonly [Name in keyof M]: (params: M[Name]["params"], control: HostControl) => Promise<M[Name]["result"]>;
};

export interface HostControl extends Required<RunControl> {
  readonly signal: AbortSignal;
}

/**
 * The worker's end. Every call is answered by id exactly once; an error crosses as its code. While it lives, the
 * worker holds the lock the page named, so that the page learns of its death at once, however it died.
 */
export class Host<M extends Methods<M>, Event = never> {
  private readonly channel: Channel;
  private readonly handlers: Handlers<M>;
  private readonly running = new Map<number, AbortController>();

  constructor(channel: Channel, handlers: Handlers<M>) {
    this.channel = channel;
    this.handlers = handlers;
    channel.addEventListener("message", (event) => this.receive((event as MessageEvent<ToWorker>).data));
  }

  emit(event: Event): void {
    this.post({ kind: "event", event });
  }

  private receive(message: ToWorker): void {
    switch (message.kind) {
      case "hello":
        this.hold(message.life);
        return;
      case "cancel":
        this.running.get(message.id)?.abort(new RetuneError("cancelled", "Cancelled."));
        return;
      case "call":
        void this.answer(message.id, message.method, message.params);
    }
  }

  private hold(life: string): void {
    const locks = typeof navigator === "undefined" ? undefined : (navigator.locks as LockManager | undefined);
    if (!locks) return;
    void locks.request(life, () => {
      this.post({ kind: "alive" });
      return new Promise(() => undefined);
    });
  }

  private async answer(id: number, method: string, params: unknown): Promise<void> {
    const controller = new AbortController();
    this.running.set(id, controller);
    try {
      const handler = Object.hasOwn(this.handlers, method) ? this.handlers[method as keyof M] : undefined;
      if (!handler) throw new Error(`The worker has no method ${method}.`);
      const { signal } = controller;
      const value = await handler(params, {
        signal,
        onProgress: (progress) => this.post({ kind: "progress", id, progress }),
      });
      this.post({ kind: "result", id, value });
    } catch (error) {
      this.post({ kind: "failure", id, error: toWire(error) });
    } finally {
      this.running.delete(id);
    }
  }

  private post(message: FromWorker<Event>): void {
    this.channel.postMessage(message);
  }
}
