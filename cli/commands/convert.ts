import { extname, resolve } from "node:path";
import { readNpy, writeNpy } from "../../src/domain/formats/npy.ts";
import { readVectorsJsonl } from "../../src/domain/formats/vectors-jsonl.ts";
import type { Matrix } from "../../src/domain/matrix.ts";
import { RetuneError } from "../../src/engine/errors.ts";
import type { Arguments } from "../arguments.ts";
import type { Command } from "../command.ts";
import { convertDataset, DATASET_TARGETS } from "../convert-dataset.ts";
import { vectorsJsonl } from "../exports.ts";
import { readAdapter, saveAdapterFile, saveAdapterFolder } from "../ports/adapters.ts";
import { isDatasetFolder } from "../ports/dataset-files.ts";
import { isFolder, readBytes, writeWhole } from "../ports/files.ts";

type Kind = "dataset" | "adapter" | "vectors";
type Writer = (input: string, output: string) => Promise<void>;

/** What can be written from adapters and vectors; the keys are the values of --to. */
const WRITERS: Readonly<Record<Exclude<Kind, "dataset">, Readonly<Record<string, Writer>>>> = {
  adapter: {
    llamaindex: async (input, output) => saveAdapterFolder(output, await readAdapter(input)),
    safetensors: async (input, output) => saveAdapterFile(output, await readAdapter(input), new Map()),
  },
  vectors: {
    npy: async (input, output) => {
      await writeWhole(output, writeNpy(await readVectors(input)));
    },
    jsonl: async (input, output) => {
      await writeWhole(output, vectorsJsonl(await readVectors(input)));
    },
  },
};

/** Vectors of a .npy or JSON Lines file: either may be written as either, float64 as float32 too. */
async function readVectors(input: string): Promise<Matrix> {
  const bytes = await readBytes(input);
  if (extname(input).toLowerCase() === ".npy") return readNpy(bytes, input);
  return readVectorsJsonl(bytes, input).vectors;
}

/** `retune convert`: one format into another. */
export const convertCommand: Command = {
  shape: {
    usage: "convert IN --to FORMAT --out PATH",
    summary: "write a dataset, an adapter or vectors in another format",
    positionals: { name: "a file or folder to convert", atLeast: 1, atMost: 1 },
    options: {
      to: { required: true, value: "FORMAT", help: "see below" },
      out: { required: true, value: "PATH", help: "a file where it has an ending, else a folder" },
      from: { value: "FORMAT", help: "of a dataset; default: found in the content" },
      map: { value: "ROLES", help: "columns of a table: query=COL,positive=COL[,negative=COL][,score=COL]" },
      "skip-bad-rows": { value: "", help: "leave out rows of a dataset that cannot be read, and list them" },
      split: { value: "NAME", help: "only this split of a BEIR dataset" },
      table: { value: "KIND", help: "of the st- formats: jsonl (default), csv, tsv, parquet" },
    },
    details: [
      `a dataset (any format)                  → ${DATASET_TARGETS.join(", ")}`,
      "an adapter (its folder or .safetensors) → llamaindex, safetensors",
      "vectors (.npy or .jsonl)                → npy, jsonl",
      "",
      'What a dataset format cannot hold is said on stderr, a sentence each, beginning with "lost:".',
    ].join("\n"),
  },
  async run({ positionals, options }) {
    const input = resolve(positionals[0]!);
    const output = resolve(options["out"]!);
    const kind = await kindOf(input, options);
    if (kind === "dataset") {
      requireTarget(input, "a dataset", options["to"]!, DATASET_TARGETS);
      await convertDataset(input, output, options);
      return;
    }
    const writers = WRITERS[kind];
    requireTarget(
      input,
      kind === "adapter" ? "an adapter" : "a file of vectors",
      options["to"]!,
      Object.keys(writers),
    );
    await writers[options["to"]!]!(input, output);
    process.stdout.write(`${output}\n`);
  },
};

function requireTarget(input: string, what: string, format: string, known: readonly string[]): void {
  if (known.includes(format)) return;
  throw new RetuneError(
    "usage",
    `${input} is ${what}, which can be written as ${known.join(", ")}, not "${format}"`,
  );
}

/** Datasets are told by their content, so every other ending is one where a dataset is asked for. */
async function kindOf(input: string, { to, from }: Arguments["options"]): Promise<Kind> {
  if (from !== undefined) return "dataset";
  if (await isFolder(input)) return (await isDatasetFolder(input)) ? "dataset" : "adapter";
  const ending = extname(input).toLowerCase();
  if (ending === ".safetensors") return "adapter";
  if (ending === ".npy" || (ending === ".jsonl" && Object.hasOwn(WRITERS.vectors, to!))) return "vectors";
  if (ending === ".json" || DATASET_TARGETS.includes(to!)) return "dataset";
  const known = "datasets (.json, .jsonl, .csv, .tsv, .parquet, .zip, a folder), .safetensors, .npy, .jsonl";
  throw new RetuneError("E_UNKNOWN_FORMAT", `${input}: known inputs are ${known} and an adapter's folder`);
}
