import { RetuneError } from "../../engine/errors.ts";
import type { RunControl } from "../ports.ts";

const TURN_MS = 50;

/**
 * Lets long loops of a worker be watched and cancelled: `turn` tells the progress and, every 50 ms, gives the event loop
 * a turn, without which a cancel could not arrive. Rejects with "cancelled" once the signal has fired.
 */
export class Pace {
  private readonly control: RunControl;
  private last = performance.now();

  constructor(control: RunControl = {}) {
    this.control = control;
  }

  async turn(done: number, total: number, label: string): Promise<void> {
    if (performance.now() - this.last < TURN_MS) return;
    this.control.onProgress?.({ done, total, label });
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (this.control.signal?.aborted) throw new RetuneError("cancelled", "The check was cancelled.");
    this.last = performance.now();
  }
}
