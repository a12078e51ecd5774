import { RetuneError } from "../errors.ts";

const PAGE = 65536;
const UNIT = 64; // bytes; a cache line
const LARGEST_PAGES = 65536; // 4 GiB, what a 32-bit address reaches
const SHARED_MAXIMA = [65536, 32768, 16384]; // reserved at once by some engines: the largest that is granted

interface Gap {
  readonly at: number;
  readonly bytes: number;
}

/**
 * First-fit allocator over one growing WebAssembly memory. Addresses are multiples of 64 and never move; views do (a
 * grown memory has a new buffer), so they are made at each use. A page past the last allocation stays free: kernels
 * may load up to 12 bytes past the end of a matrix.
 */
export class CpuMemory {
  readonly memory: WebAssembly.Memory;
  #gaps: Gap[] = [];
  #end = UNIT; // 0 is "absent"

  /** @param shared for helper threads; needs SharedArrayBuffer, in a page cross-origin isolation */
  constructor(shared = false) {
    this.memory = shared ? sharedMemory() : new WebAssembly.Memory({ initial: 2 });
  }

  /** Bytes at an address, zero-filled. Throws "out-of-memory". */
  allocate(bytes: number): number {
    const size = Math.max(UNIT, Math.ceil(bytes / UNIT) * UNIT);
    const index = this.#gaps.findIndex((gap) => gap.bytes >= size);
    if (index < 0) return this.#extend(size);
    const gap = this.#gaps[index]!;
    const rest = { at: gap.at + size, bytes: gap.bytes - size };
    this.#gaps.splice(index, 1, ...(rest.bytes > 0 ? [rest] : []));
    new Uint8Array(this.memory.buffer, gap.at, size).fill(0);
    return gap.at;
  }

  /** Gives back what `allocate(bytes)` returned. */
  free(at: number, bytes: number): void {
    const size = Math.max(UNIT, Math.ceil(bytes / UNIT) * UNIT);
    const gaps = [...this.#gaps, { at, bytes: size }].sort((a, b) => a.at - b.at);
    this.#gaps = [];
    for (const gap of gaps) {
      const last = this.#gaps.at(-1);
      if (last && last.at + last.bytes === gap.at) {
        this.#gaps[this.#gaps.length - 1] = { at: last.at, bytes: last.bytes + gap.bytes };
      } else this.#gaps.push(gap);
    }
  }

  floats(at: number, count: number): Float32Array {
    return new Float32Array(this.memory.buffer, at, count);
  }

  words(at: number, count: number): Uint32Array {
    return new Uint32Array(this.memory.buffer, at, count);
  }

  #extend(size: number): number {
    const at = this.#end;
    const missing = Math.ceil((at + size) / PAGE) + 1 - this.memory.buffer.byteLength / PAGE;
    if (missing > 0) this.#grow(missing, size);
    this.#end += size;
    return at;
  }

  /** By a quarter more than asked where that is to be had, so that many small requests do not copy memory often. */
  #grow(pages: number, size: number): void {
    const have = this.memory.buffer.byteLength / PAGE;
    const generous = Math.min(LARGEST_PAGES - have, Math.max(pages, have >> 2));
    for (const count of new Set([generous, pages])) {
      if (count < pages) continue;
      try {
        this.memory.grow(count);
        return;
      } catch {
        continue; // less may still be granted
      }
    }
    throw refusal(size, have * PAGE, this.#gaps);
  }
}

function sharedMemory(): WebAssembly.Memory {
  for (const maximum of SHARED_MAXIMA) {
    try {
      return new WebAssembly.Memory({ initial: 2, maximum, shared: true });
    } catch {
      continue; // less may still be granted
    }
  }
  throw new RetuneError(
    "out-of-memory",
    "CPU backend: no shared memory of 1024 MiB can be reserved; close other tabs or open it without threads",
  );
}

function refusal(size: number, have: number, gaps: readonly Gap[]): RetuneError {
  const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  const free = gaps.reduce((sum, { bytes }) => sum + bytes, 0);
  const largest = gaps.reduce((most, { bytes }) => Math.max(most, bytes), 0);
  return new RetuneError(
    "out-of-memory",
    `CPU backend: ${mebibytes(size)} more were refused with ${mebibytes(have)} in use ` +
      `(${mebibytes(free)} of it free, at most ${mebibytes(largest)} in one piece; WebAssembly ends at 4096 MiB); ` +
      "use a smaller batch, shorter texts, recomputation of layers or a smaller model",
  );
}
