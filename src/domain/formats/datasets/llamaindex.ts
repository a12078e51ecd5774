import type { Dataset } from "../../data/dataset.ts";
import { readLlamaIndexDataset, writeLlamaIndexDataset } from "../llamaindex-dataset.ts";
import type { DatasetFormat, RetrievalData } from "./dataset-format.ts";
import { onlyFile, outlineOf } from "./glimpse.ts";
import { retrievalLosses } from "./losses.ts";
import { asPromise, filesOf, soleFile } from "./single-file.ts";
import { toRetrieval } from "./turn.ts";

const LABEL = "LlamaIndex's dataset";
const KEYS = ["queries", "corpus", "relevant_docs"];

/** LlamaIndex's EmbeddingQAFinetuneDataset: one JSON file. */
export const llamaIndexFormat: DatasetFormat = {
  id: "llamaindex",
  label: "LlamaIndex dataset (JSON)",
  kinds: ["retrieval"],

  detect(files) {
    const file = onlyFile(files);
    const keys = file ? outlineOf(file[1]).keys : [];
    const found = KEYS.filter((key) => keys.includes(key)).length;
    const confidence = found === 3 ? 1 : found === 2 ? 0.7 : 0;
    return Promise.resolve(confidence > 0 ? { format: "llamaindex", confidence } : undefined);
  },

  read(files, { skipBadRows = false } = {}) {
    return asPromise(() => {
      const [name, bytes] = soleFile(files, LABEL);
      const { dataset, warnings, badRows } = readLlamaIndexDataset(bytes, name, { skipBadRows });
      return { data: { kind: "retrieval", dataset }, warnings, badRows };
    });
  },

  async write(given) {
    const { data, losses } = await toRetrieval(given);
    const text = writeLlamaIndexDataset(rightOnly(data), { documents: true });
    const beside = retrievalLosses(LABEL, data, {
      ids: "all",
      passagesByText: false,
      manyPositives: true,
      grades: false,
      negatives: false,
      unusedPassages: true,
      documents: true,
      splits: false,
      prompts: false,
    });
    return { files: filesOf("dataset.json", text), losses: [...losses, ...beside] };
  },
};

/** Every passage that the file names for a question counts as right, so wrong ones must not stand there. */
function rightOnly({ dataset }: RetrievalData): Dataset {
  const queries = dataset.queries.flatMap((query) => {
    const relevant = query.relevant.filter(({ grade }) => grade > 0);
    return relevant.length === 0 ? [] : [{ ...query, relevant }];
  });
  return { queries, passages: dataset.passages };
}
