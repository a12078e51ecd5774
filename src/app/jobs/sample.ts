import { readLlamaIndexDataset } from "../../domain/formats/llamaindex-dataset.ts";
import { sha256 } from "../../domain/data/hash.ts";
import { RetuneError } from "../../engine/errors.ts";
import type { EncoderFacts } from "../encoders/known-encoders.ts";
import { spaceOf } from "../encoders/known-encoders.ts";
import type { ModelFiles } from "../encoders/model-files.ts";
import type { SourceContent } from "../storage/project-store.ts";
import type { VectorCache } from "../storage/vector-cache.ts";
import type { VectorPart } from "../studio-data.ts";
import { keepGivenVectors, readGivenVectors } from "./given-vectors.ts";

export const SAMPLE = { folder: "samples/handbook/", name: "Sample: Tansy & Holt handbook" } as const;

const PARTS: readonly (readonly [VectorPart, string])[] = [
  ["queries", "queries"],
  ["queriesInstruction", "queries_instruction"],
  ["corpus", "corpus"],
];

/**
 * The bundled handbook as the files of a project. Its vectors are the default encoder's and go into the cache, so
 * that the first run needs no model.
 */
export async function readSample(
  files: ModelFiles,
  projectId: string,
  encoder: EncoderFacts,
  cache: VectorCache,
): Promise<readonly SourceContent[]> {
  const contents: SourceContent[] = [];
  for (const role of ["train", "test"] as const) {
    const name = `${role}.json`;
    const bytes = await sampleFile(files, name);
    const { dataset } = readLlamaIndexDataset(bytes, name);
    for (const [part, suffix] of PARTS) {
      const path = `vectors/${role}_${suffix}.npy`;
      const matrix = readGivenVectors(await sampleFile(files, path), path, dataset, part);
      const instruction = part === "queriesInstruction" ? encoder.queryInstruction : "";
      await keepGivenVectors(cache, spaceOf(encoder, instruction), dataset, part, matrix);
    }
    const questions = dataset.queries.map((query) => ({ ...query, state: "accepted" as const }));
    const source = {
      id: crypto.randomUUID(),
      projectId,
      sequence: 0,
      name,
      format: "LlamaIndex dataset",
      bytes: bytes.length,
      role,
      passages: 0,
      questions: 0,
      hash: await sha256(bytes),
    };
    contents.push({ source, passages: dataset.passages, questions });
  }
  return contents;
}

async function sampleFile(files: ModelFiles, path: string): Promise<Uint8Array> {
  const bytes = await files.read(path);
  if (bytes) return bytes;
  throw new RetuneError("network", `The sample's ${path} is not on this site. Build it again (npm start).`);
}
