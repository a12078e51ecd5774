import { BUFFER_USAGE, MAP_READ } from "./flags.ts";
import type { GpuDevice } from "./device.ts";

const ROWS = 256; // of a staging buffer
const FLUSH_MS = 100; // how often values come back while steps are submitted

/**
 * Brings one small row per step back without stalling a step: every step copies its row into a staging buffer at the
 * next place; buffers are mapped a few times a second, or when full, while the next one takes over.
 */
export class ReadBack {
  readonly #gpu: GpuDevice;
  readonly #rowBytes: number;
  readonly #receive: (row: Float32Array) => void;
  readonly #free: GPUBuffer[] = [];
  readonly #all: GPUBuffer[] = [];
  #current: GPUBuffer;
  #filled = 0;
  #lastFlush = performance.now();
  #pending: Promise<void> = Promise.resolve();
  #inFlight = 0;

  constructor(gpu: GpuDevice, rowElements: number, receive: (row: Float32Array) => void) {
    this.#gpu = gpu;
    this.#rowBytes = rowElements * 4;
    this.#receive = receive;
    this.#current = this.#staging();
  }

  /** Records the copy of a step's row. */
  append(encoder: GPUCommandEncoder, row: GPUBuffer): void {
    encoder.copyBufferToBuffer(row, 0, this.#current, this.#filled * this.#rowBytes, this.#rowBytes);
    this.#filled++;
  }

  /** To be called after the submit: starts a read-back where one is due. */
  submitted(): void {
    const due = this.#inFlight === 0 && performance.now() - this.#lastFlush >= FLUSH_MS;
    if (due || this.#filled === ROWS) this.#flush();
  }

  /** Resolves when every row recorded so far has been received; rejects with the device's fault. */
  complete(): Promise<void> {
    if (this.#filled > 0) this.#flush();
    return this.#gpu.wait(this.#pending);
  }

  dispose(): void {
    for (const buffer of this.#all) buffer.destroy();
  }

  #flush(): void {
    const [buffer, rows] = [this.#current, this.#filled];
    this.#current = this.#free.pop() ?? this.#staging();
    this.#filled = 0;
    this.#lastFlush = performance.now();
    this.#inFlight++;
    const mapped = buffer.mapAsync(MAP_READ, 0, rows * this.#rowBytes);
    const before = this.#pending;
    this.#pending = mapped.then(async () => {
      await before;
      this.#gpu.watchdog.progress();
      this.#deliver(buffer, rows);
    });
    this.#pending
      .catch(() => undefined)
      .finally(() => this.#inFlight--)
      .catch(() => undefined);
  }

  #deliver(buffer: GPUBuffer, rows: number): void {
    const values = new Float32Array(buffer.getMappedRange(0, rows * this.#rowBytes).slice(0));
    buffer.unmap();
    this.#free.push(buffer);
    const width = this.#rowBytes / 4;
    for (let row = 0; row < rows; row++) this.#receive(values.subarray(row * width, (row + 1) * width));
  }

  #staging(): GPUBuffer {
    const usage = BUFFER_USAGE.mapRead | BUFFER_USAGE.copyTarget;
    const buffer = this.#gpu.device.createBuffer({ size: ROWS * this.#rowBytes, usage });
    this.#all.push(buffer);
    return buffer;
  }
}
