import { deflateSync } from "fflate";
import { writeZip } from "../zip-writer.ts";
import type { DatasetFiles } from "./dataset-format.ts";

/** The files of a dataset as one zip; the same files give the same bytes. */
export function packDataset(files: DatasetFiles): Uint8Array {
  const contents = Array.from(files, ([name, bytes]) => {
    const packed = deflateSync(bytes);
    return packed.length < bytes.length ? { name, bytes, packed } : { name, bytes };
  });
  return writeZip(contents);
}
