// SHA-256 (FIPS 180-4), for what crypto.subtle is not made for: many short texts (a promise each costs more than the
// digest) and one long text that should not have to be held in one piece. The result is the same.

const K = roundConstants();
const ROOM = 1 << 15;
const encoded = new Uint8Array(ROOM + 4);

const START = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
] as const;

/** SHA-256 of what is added in pieces; after `finish` it begins anew, so that many texts need one of it. */
export class Sha256 {
  private readonly state = new Int32Array(START);
  private readonly block = new Uint8Array(64);
  private filled = 0;
  private length = 0;

  add(bytes: Uint8Array): this {
    this.length += bytes.length;
    let at = 0;
    if (this.filled > 0) {
      at = Math.min(64 - this.filled, bytes.length);
      this.block.set(bytes.subarray(0, at), this.filled);
      this.filled += at;
      if (this.filled < 64) return this;
      compress(this.state, this.block, 0);
      this.filled = 0;
    }
    for (; at + 64 <= bytes.length; at += 64) compress(this.state, bytes, at);
    this.block.set(bytes.subarray(at));
    this.filled = bytes.length - at;
    return this;
  }

  /**
   * The UTF-8 of a text, half characters as U+FFFD, through one small buffer: 10⁵ texts leave no garbage. Not by TextEncoder:
   * a browser keeps a second copy of every text that was handed to it, outside the heap.
   */
  addText(text: string): this {
    let filled = 0;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code < 0x80) encoded[filled++] = code;
      else {
        const point = text.codePointAt(at)!;
        if (point > 0xffff) at++;
        filled = putPoint(filled, point >= 0xd800 && point < 0xe000 ? 0xfffd : point);
      }
      if (filled < ROOM) continue;
      this.add(encoded.subarray(0, filled));
      filled = 0;
    }
    return this.add(encoded.subarray(0, filled));
  }

  /** The 32 bytes of the digest. */
  finish(): Uint8Array<ArrayBuffer> {
    const { block, state, length } = this;
    block.fill(0, this.filled);
    block[this.filled] = 0x80;
    if (this.filled >= 56) {
      compress(state, block, 0);
      block.fill(0);
    }
    putWord(block, 56, Math.floor(length / 0x20000000));
    putWord(block, 60, (length * 8) % 2 ** 32);
    compress(state, block, 0);
    const digest = new Uint8Array(32);
    for (let word = 0; word < 8; word++) putWord(digest, 4 * word, state[word]!);
    state.set(START);
    this.filled = 0;
    this.length = 0;
    return digest;
  }
}

/** The two to four bytes of a character that is not ASCII; where the next one goes. */
function putPoint(at: number, point: number): number {
  const tails = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  encoded[at] = ((0xff << (7 - tails)) & 0xff) | (point >>> (6 * tails));
  for (let tail = tails - 1; tail >= 0; tail--) {
    encoded[at + tails - tail] = 0x80 | ((point >>> (6 * tail)) & 0x3f);
  }
  return at + tails + 1;
}

/** 32 bits, the highest byte first; no view: of 10⁵ digests each would lie outside the heap. */
function putWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}

const W = new Int32Array(64);

/** The message schedule of the 64 bytes from `at`. */
function schedule(bytes: Uint8Array, at: number): void {
  for (let i = 0, p = at; i < 16; i++, p += 4) {
    W[i] = (bytes[p]! << 24) | (bytes[p + 1]! << 16) | (bytes[p + 2]! << 8) | bytes[p + 3]!;
  }
  for (let i = 16; i < 64; i++) {
    const x = W[i - 15]!;
    const y = W[i - 2]!;
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    W[i] = (W[i - 16]! + s0 + W[i - 7]! + s1) | 0;
  }
}

function compress(state: Int32Array, bytes: Uint8Array, at: number): void {
  schedule(bytes, at);
  let a = state[0]!;
  let b = state[1]!;
  let c = state[2]!;
  let d = state[3]!;
  let e = state[4]!;
  let f = state[5]!;
  let g = state[6]!;
  let h = state[7]!;
  for (let i = 0; i < 64; i++) {
    const S1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + S1 + ((e & f) ^ (~e & g)) + K[i]! + W[i]!) | 0;
    const S0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (S0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0]! += a;
  state[1]! += b;
  state[2]! += c;
  state[3]! += d;
  state[4]! += e;
  state[5]! += f;
  state[6]! += g;
  state[7]! += h;
}

/** The first 32 bits of the fractions of the cube roots of the first 64 primes. */
function roundConstants(): Int32Array {
  const constants = new Int32Array(64);
  for (let candidate = 2, found = 0; found < 64; candidate++) {
    let prime = true;
    for (let divisor = 2; divisor * divisor <= candidate; divisor++) prime &&= candidate % divisor !== 0;
    if (!prime) continue;
    const root = Math.cbrt(candidate);
    constants[found++] = Math.floor((root - Math.floor(root)) * 2 ** 32) | 0;
  }
  return constants;
}
