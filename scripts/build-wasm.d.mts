/** Builds what is out of date and returns the paths of the files, by variant. */
export function buildWasm(): Promise<{ simd: string; relaxed: string }>;

/** The bytes of both builds, made first where they are out of date: what `openCpu` takes, for Node. */
export function loadWasm(): Promise<{ simd: Uint8Array<ArrayBuffer>; relaxed: Uint8Array<ArrayBuffer> }>;
