/**
 * Memory that executables of one machine use in turn. Each lays its temporaries over chunks that are there already and
 * asks for more only where none is large enough, so that ten executables for ten lengths of batch need the memory of
 * the largest, not of all. Addresses never move.
 */
import type { CpuMemory } from "./cpu-memory.ts";

const UNIT = 64; // bytes, as CpuMemory's

interface Chunk {
  readonly at: number;
  readonly bytes: number;
  users: number;
}

export interface Borrowed {
  readonly at: number;
  readonly giveBack: () => void;
}

export interface Borrower {
  /** `bytes` that overlap nothing this borrower has had before; what they hold is unknown. */
  readonly borrow: (bytes: number) => Borrowed;
}

export class ScratchPool {
  readonly #memory: CpuMemory;
  #chunks: Chunk[] = [];

  constructor(memory: CpuMemory) {
    this.#memory = memory;
  }

  /** For one executable. It fits best when the largest are borrowed first. */
  borrower(): Borrower {
    const taken = new Map<Chunk, number>(); // bytes from the start that are this borrower's
    const left = (chunk: Chunk): number => chunk.bytes - (taken.get(chunk) ?? 0);
    return {
      borrow: (bytes) => {
        const size = Math.max(UNIT, Math.ceil(bytes / UNIT) * UNIT);
        const fitting = this.#chunks.filter((chunk) => left(chunk) >= size);
        const smallest = fitting.sort((a, b) => left(a) - left(b))[0];
        const chunk = smallest ?? this.#extend(size);
        const offset = taken.get(chunk) ?? 0;
        taken.set(chunk, offset + size);
        chunk.users++;
        return { at: chunk.at + offset, giveBack: () => this.#release(chunk) };
      },
    };
  }

  #extend(bytes: number): Chunk {
    const chunk = { at: this.#memory.allocate(bytes), bytes, users: 0 };
    this.#chunks.push(chunk);
    return chunk;
  }

  #release(chunk: Chunk): void {
    if (--chunk.users > 0) return;
    this.#memory.free(chunk.at, chunk.bytes);
    this.#chunks = this.#chunks.filter((other) => other !== chunk);
  }
}
