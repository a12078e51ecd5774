/**
 * Memory that the executables of one store use in turn: temporaries, which no run leaves to the next. An
 * executable lays its own over buffers that are there already and adds one only where none is large enough, so ten
 * executables for ten lengths of batch need the memory of the largest, not of all.
 */
export class GpuPool {
  readonly #buffers: GPUBuffer[] = [];

  /**
   * One buffer for each size, none twice. Largest first, so that the smaller ones find what is left.
   * @param create makes a buffer of so many bytes; what it made is handed out and stays in the pool
   */
  take(sizes: readonly number[], create: (bytes: number) => GPUBuffer): GPUBuffer[] {
    const free = this.#buffers.toSorted((a, b) => a.size - b.size);
    const taken = new Array<GPUBuffer>(sizes.length);
    const largestFirst = sizes.map((_, index) => index).sort((a, b) => sizes[b]! - sizes[a]!);
    for (const index of largestFirst) {
      const bytes = sizes[index]!;
      const fit = free.findIndex(({ size }) => size >= bytes);
      if (fit >= 0) {
        taken[index] = free.splice(fit, 1)[0]!;
        continue;
      }
      taken[index] = create(bytes);
      this.#buffers.push(taken[index]);
    }
    return taken;
  }

  /** Takes buffers out again that could not be had after all. */
  forget(buffers: readonly GPUBuffer[]): void {
    for (const buffer of buffers) this.#buffers.splice(this.#buffers.indexOf(buffer), 1);
  }

  destroy(): void {
    for (const buffer of this.#buffers) buffer.destroy();
    this.#buffers.length = 0;
  }
}
