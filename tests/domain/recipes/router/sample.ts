import { readFileSync } from "node:fs";
import type { RouterDataset } from "../../../../src/domain/data/router-dataset.ts";
import { readNpy } from "../../../../src/domain/formats/npy.ts";
import { readRouterData } from "../../../../src/domain/formats/router-data.ts";
import type { RouterVectors } from "../../../../src/domain/recipes/router/router-job.ts";

/** The bundled questions to six sources of Tansy & Holt, with their shipped vectors. */
export function sampleRouter(part: "train" | "test"): { dataset: RouterDataset; vectors: RouterVectors } {
  const folder = new URL("../../../../public/samples/router/", import.meta.url);
  const read = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, folder)));
  return {
    dataset: readRouterData([{ name: `${part}.json`, content: read(`${part}.json`) }]).dataset,
    vectors: {
      queries: readNpy(read(`vectors/${part}_queries.npy`)),
      choices: readNpy(read("vectors/choices.npy")),
    },
  };
}
