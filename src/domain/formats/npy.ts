// NumPy's .npy: "\x93NUMPY", version, header length, a Python dict literal, then the values. float32 and float64 in C
// order are read (float64 rounded to float32), float32 version 1.0 is written, as numpy.save does.
import { RetuneError } from "../../engine/errors.ts";
import { IMPORT_LIMITS, opening, placeIn } from "../data/import-report.ts";
import type { Matrix } from "../matrix.ts";

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const DESCRIPTION = /^\s*\{\s*(.*?)\s*,?\s*\}\s*$/s;
const MEMBER =
  /^'(descr|fortran_order|shape)'\s*:\s*('[^']*'|True|False|\(\s*(?:\d+\s*,\s*)*(?:\d+\s*)?\))(?:\s*,\s*|$)/;

interface Header {
  readonly type: string; // "<f4"
  readonly fortran: boolean;
  readonly shape: readonly number[];
  readonly start: number; // byte of the first value
}

/** Bytes of a 2-dimensional .npy → [rows, columns]. E_NPY with the byte for anything else, NaN and infinity included. */
export function readNpy(bytes: Uint8Array, file?: string): Matrix {
  const header = readHeader(bytes, file);
  const { shape, type } = header;
  if (header.fortran) {
    throw broken(file, 10, "values stand in Fortran order; save numpy.ascontiguousarray(x) instead");
  }
  if (type !== "<f4" && type !== "<f8") {
    throw broken(file, 10, `values are of type ${type}; save x.astype("float32") instead`);
  }
  if (shape.length !== 2) {
    throw broken(file, 10, `expected [rows, columns], got ${shape.length} dimensions: [${shape.join(", ")}]`);
  }
  const [rows, columns] = [shape[0]!, shape[1]!];
  if (columns === 0) throw broken(file, 10, `vectors of 0 numbers: [${rows}, 0]`);
  const width = type === "<f4" ? 4 : 8;
  const expected = rows * columns * width; // exact: both are below 2^32 by the check on the file's own size
  if (!Number.isSafeInteger(expected) || expected !== bytes.length - header.start) {
    const found = bytes.length - header.start;
    throw broken(
      file,
      header.start,
      `[${rows}, ${columns}] of ${type} takes ${expected} bytes, the file has ${found}`,
    );
  }
  const values = readFloats(bytes, header.start, rows * columns, width);
  checkFinite(values, columns, header.start, width, file);
  return { rows, columns, values };
}

/** [rows, columns] → the bytes of numpy.save (version 1.0, little-endian float32, header padded to 64). */
export function writeNpy(matrix: Matrix): Uint8Array {
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': (${matrix.rows}, ${matrix.columns}), }`;
  const length = Math.ceil((10 + dict.length + 1) / 64) * 64 - 10;
  const header = `${dict.padEnd(length - 1, " ")}\n`;
  const bytes = new Uint8Array(10 + length + matrix.values.length * 4);
  bytes.set([...MAGIC, 1, 0, length & 0xff, length >> 8]);
  bytes.set(new TextEncoder().encode(header), 10);
  const { buffer, byteOffset, byteLength } = matrix.values;
  bytes.set(new Uint8Array(buffer, byteOffset, byteLength), 10 + length);
  return bytes;
}

function readHeader(bytes: Uint8Array, file: string | undefined): Header {
  if (bytes.length > IMPORT_LIMITS.expandedBytes) throw broken(file, 0, `larger than 2 GB`);
  if (!MAGIC.every((byte, index) => bytes[index] === byte))
    throw broken(file, 0, `does not begin with \\x93NUMPY`);
  const major = bytes[6] ?? 0;
  if (major < 1 || major > 3) throw broken(file, 6, `version ${major} is not known; 1, 2 and 3 are`);
  const lengthBytes = major === 1 ? 2 : 4;
  if (bytes.length < 8 + lengthBytes) throw broken(file, bytes.length, "cut off inside the header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const start = 8 + lengthBytes + length;
  if (start > bytes.length) {
    throw broken(file, 8, `the header wants ${length} bytes, the file has ${bytes.length - 8 - lengthBytes}`);
  }
  if (length > 65_536) throw broken(file, 8, `a header of ${length} bytes`);
  const text = new TextDecoder("latin1").decode(bytes.subarray(8 + lengthBytes, start));
  return { ...readDescription(text, file), start };
}

/** Parses the dict literal without evaluating it: exactly the three keys, each once, in any order. */
function readDescription(text: string, file: string | undefined): Omit<Header, "start"> {
  let rest = DESCRIPTION.exec(text)?.[1];
  const found = new Map<string, string>();
  while (rest !== undefined && rest !== "") {
    const match = MEMBER.exec(rest);
    if (!match || found.has(match[1]!)) break;
    found.set(match[1]!, match[2]!);
    rest = rest.slice(match[0].length);
  }
  const [type, fortran, shape] = [found.get("descr"), found.get("fortran_order"), found.get("shape")];
  const complete =
    type?.startsWith("'") && (fortran === "True" || fortran === "False") && shape?.startsWith("(");
  if (rest !== "" || !complete) {
    throw broken(
      file,
      10,
      `the header is not {'descr', 'fortran_order', 'shape'}: ${JSON.stringify(text.slice(0, 80))}`,
    );
  }
  const sizes = [...shape!.matchAll(/\d+/g)].map((match) => Number(match[0]));
  return { type: type!.slice(1, -1), fortran: fortran === "True", shape: sizes };
}

function readFloats(bytes: Uint8Array, start: number, count: number, width: number): Float32Array {
  const copy = new Uint8Array(bytes.subarray(start, start + count * width)); // aligned, also from a Buffer
  return width === 4 ? new Float32Array(copy.buffer) : Float32Array.from(new Float64Array(copy.buffer));
}

function checkFinite(
  values: Float32Array,
  columns: number,
  start: number,
  width: number,
  file?: string,
): void {
  const index = values.findIndex((value) => !Number.isFinite(value));
  if (index < 0) return;
  const [row, column] = [Math.floor(index / columns), index % columns];
  throw broken(
    file,
    start + index * width,
    `row ${row}, column ${column} is ${values[index]!}; vectors must be finite`,
  );
}

function broken(file: string | undefined, byte: number, what: string): RetuneError {
  return new RetuneError("E_NPY", `${opening(file)}byte ${byte}: ${what}`, placeIn(file, { byte }));
}
