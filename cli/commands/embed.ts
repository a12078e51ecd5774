import { join, resolve } from "node:path";
import { writeNpy } from "../../src/domain/formats/npy.ts";
import type { Command } from "../command.ts";
import { loadDataset, showWarnings } from "../job-data.ts";
import { embedTexts } from "../ports/vectors.ts";
import { openEncoder } from "../ports/encoder.ts";
import { writeWhole } from "../ports/files.ts";

/** `retune embed`: vectors of a dataset, rows in the order of its keys. */
export const embedCommand: Command = {
  shape: {
    usage: "embed DATA.json --model MODEL [--instruction TEXT] --out DIR",
    summary: "write queries.npy and corpus.npy for a dataset",
    positionals: { name: "a dataset file", atLeast: 1, atMost: 1 },
    options: {
      model: { required: true, value: "MODEL", help: "a model's name (retune models) or its folder" },
      instruction: { value: "TEXT", help: "put before every query; a trailing space counts" },
      out: { required: true, value: "DIR", help: "folder for queries.npy and corpus.npy" },
    },
    details: "float32 [rows, dimension], L2-normalised, rows in the order of the file's keys.",
  },
  async run({ positionals, options }, { root }) {
    const loaded = await loadDataset(resolve(positionals[0]!));
    const { dataset } = loaded;
    const out = resolve(options["out"]!);
    const encoder = await openEncoder(root, options["model"]!);
    showWarnings(loaded);
    try {
      const instruction = options["instruction"] ?? "";
      const queries = dataset.queries.map(({ text }) => text);
      const passages = dataset.passages.map(({ text }) => text);
      const queryVectors = await embedTexts(root, encoder, queries, { instruction, label: "queries" });
      const corpusVectors = await embedTexts(root, encoder, passages, { instruction: "", label: "passages" });
      await writeWhole(join(out, "queries.npy"), writeNpy(queryVectors));
      await writeWhole(join(out, "corpus.npy"), writeNpy(corpusVectors));
    } finally {
      await encoder.close();
    }
    process.stdout.write(`${join(out, "queries.npy")}\n${join(out, "corpus.npy")}\n`);
  },
};
