export type TwinArray = Float32Array | Float64Array | Uint32Array | Uint16Array;

/** The values of a buffer, to read and to write. */
export type Buffers = (buffer: number) => TwinArray;
