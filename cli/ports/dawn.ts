import { RetuneError } from "../../src/engine/errors.ts";

/** Dawn's objects must outlive every handle they gave out, so the process keeps the one it opened. */
let kept: GPU | undefined;

/** WebGPU for Node by npm `webgpu`. Throws "no-webgpu" where this platform has no build of it. */
export async function openDawn(): Promise<GPU> {
  if (kept) return kept;
  let dawn: { create(options: string[]): GPU; globals: object };
  try {
    dawn = await import("webgpu");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RetuneError(
      "no-webgpu",
      `Dawn could not be loaded (${reason}); use "backend": "cpu"`,
      {},
      { cause: error },
    );
  }
  Object.assign(globalThis, dawn.globals);
  kept = dawn.create([]);
  return kept;
}
