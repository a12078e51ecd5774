interface Builds<T> {
  readonly simd: T;
  readonly relaxed: T;
}

/** Builds what is out of date and returns the paths of the files, by variant. */
export function buildWasm(): Promise<Builds<string> & { readonly threaded: Builds<string> }>;

/** The bytes of all builds, made first where they are out of date: what `openCpu` takes, for Node. */
export function loadWasm(): Promise<
  Builds<Uint8Array<ArrayBuffer>> & { readonly threaded: Builds<Uint8Array<ArrayBuffer>> }
>;
