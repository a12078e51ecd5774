import { sha256 } from "../../domain/data/hash.ts";
import type { LabStore } from "../storage/lab-store.ts";

/** SHA-256 over the files as they came. */
export async function labDataHash(store: LabStore, labId: string): Promise<string> {
  const hashes: string[] = [];
  for (const side of ["train", "test", "replay"] as const) {
    const file = await store.file(labId, side);
    hashes.push(file ? await sha256(file.bytes) : "");
  }
  return sha256(hashes.join(" "));
}
