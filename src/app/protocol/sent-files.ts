/** A file as it crosses to a worker. */
export interface SentFile {
  readonly name: string;
  readonly blob: Blob;
}

export interface SentBytes {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly verified: string;
}
