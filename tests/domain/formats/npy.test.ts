import { expect, test } from "vitest";
import { readNpy, writeNpy } from "../../../src/domain/formats/npy.ts";
import { refusal } from "./refusal.ts";

function npy(dict: string, payload: ArrayBufferView, version = 1): Uint8Array {
  const width = version === 1 ? 2 : 4;
  const header = new TextEncoder().encode(dict);
  const bytes = new Uint8Array(8 + width + header.length + payload.byteLength);
  bytes.set([
    0x93,
    ...new TextEncoder().encode("NUMPY"),
    version,
    0,
    header.length & 0xff,
    header.length >> 8,
  ]);
  bytes.set(header, 8 + width);
  bytes.set(
    new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength),
    8 + width + header.length,
  );
  return bytes;
}

const dict = (descr: string, shape: string, fortran = "False") =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`;

test("writes what numpy.save writes for a float32 matrix", () => {
  const bytes = writeNpy({ rows: 2, columns: 3, values: Float32Array.of(1, 2, 3, -1, 0.5, 0) });
  const header = new TextDecoder("latin1").decode(bytes.subarray(0, 128));
  const expected = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }".padEnd(117) + "\n";
  expect(header).toBe(`\x93NUMPY\x01\x00\x76\x00${expected}`);
  expect(bytes.length).toBe(128 + 24);
  expect(readNpy(bytes)).toEqual({ rows: 2, columns: 3, values: Float32Array.of(1, 2, 3, -1, 0.5, 0) });
});

test("reads float64, versions 1 and 2, keys in any order, and views that start anywhere", () => {
  const doubles = Float64Array.of(1.5, 0.1);
  expect(readNpy(npy(dict("<f8", "(1, 2)"), doubles)).values).toEqual(Float32Array.of(1.5, 0.1));
  expect(readNpy(npy(dict("<f8", "(1, 2)"), doubles, 2)).rows).toBe(1);
  const swapped = "{'shape': (2, 1), 'fortran_order': False, 'descr': '<f4'}";
  const bytes = npy(swapped, Float32Array.of(3, 4));
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  expect(readNpy(shifted.subarray(1))).toEqual({ rows: 2, columns: 1, values: Float32Array.of(3, 4) });
});

test("refuses what is no matrix of finite floats, with the byte", () => {
  const one = Float32Array.of(1);
  const cases: [Uint8Array, string][] = [
    [new Uint8Array(3), "NUMPY"],
    [npy(dict("<f4", "(1, 1)"), one).subarray(0, 9), "cut off"],
    [npy(dict("<f4", "(1, 1)"), one).subarray(0, 40), "header wants"],
    [npy(dict("<f4", "(1, 1)"), one, 9), "version 9"],
    [npy(dict("<f4", "(1, 1)", "True"), one), "Fortran"],
    [npy(dict("<i8", "(1, 1)"), one), "<i8"],
    [npy(dict("|O", "(1, 1)"), one), "|O"],
    [npy(dict("<f4", "(1,)"), one), "1 dimensions"],
    [npy(dict("<f4", "(1, 1, 1)"), one), "3 dimensions"],
    [npy(dict("<f4", "(1, 0)"), new Float32Array(0)), "0 numbers"],
    [npy(dict("<f4", "(2, 1)"), one), "takes 8 bytes, the file has 4"],
    [npy(dict("<f4", "(1, 1)"), Float32Array.of(1, 2)), "takes 4 bytes, the file has 8"],
    [npy(dict("<f4", "(4294967296, 4294967296)"), one), "takes"],
    [npy(dict("<f4", "(-1, 1)"), one), "header"],
    [npy("{'descr': __import__('os'), 'fortran_order': False, 'shape': (1, 1)}", one), "header"],
    [npy("{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (1, 1)}", one), "header"],
    [npy(dict("<f4", "(1, 2)"), Float32Array.of(1, NaN)), "row 0, column 1 is NaN"],
    [npy(dict("<f8", "(1, 1)"), Float64Array.of(1e300)), "Infinity"],
  ];
  for (const [bytes, words] of cases) {
    expect(refusal(() => readNpy(bytes, "v.npy"), "E_NPY", "v.npy", words).place.byte).toBeTypeOf("number");
  }
});
