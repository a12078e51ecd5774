import { extname, resolve } from "node:path";
import {
  readLlamaIndexDataset,
  writeLlamaIndexDataset,
} from "../../src/domain/formats/llamaindex-dataset.ts";
import { readNpy, writeNpy } from "../../src/domain/formats/npy.ts";
import { readVectorsJsonl } from "../../src/domain/formats/vectors-jsonl.ts";
import type { Matrix } from "../../src/domain/matrix.ts";
import { RetuneError } from "../../src/engine/errors.ts";
import type { Command } from "../command.ts";
import { pairsJsonl, vectorsJsonl } from "../exports.ts";
import { readAdapter, saveAdapterFile, saveAdapterFolder } from "../ports/adapters.ts";
import { isFolder, readBytes, writeWhole } from "../ports/files.ts";

type Kind = "dataset" | "adapter" | "vectors";
type Writer = (input: string, output: string) => Promise<void>;

/** What can be written from what; the keys are the values of --to. */
const WRITERS: Readonly<Record<Kind, Readonly<Record<string, Writer>>>> = {
  dataset: {
    llamaindex: async (input, output) => {
      const { dataset } = readLlamaIndexDataset(await readBytes(input), input);
      await writeWhole(output, writeLlamaIndexDataset(dataset));
    },
    pairs: async (input, output) => {
      const { dataset } = readLlamaIndexDataset(await readBytes(input), input);
      await writeWhole(output, pairsJsonl(dataset));
    },
  },
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
      out: { required: true, value: "PATH", help: "file, or folder for an adapter as llamaindex" },
    },
    details: [
      "a dataset (.json)                       → llamaindex, pairs (JSON Lines of anchor and positive)",
      "an adapter (its folder or .safetensors) → llamaindex, safetensors",
      "vectors (.npy or .jsonl)                → npy, jsonl",
    ].join("\n"),
  },
  async run({ positionals, options }) {
    const input = resolve(positionals[0]!);
    const output = resolve(options["out"]!);
    const kind = await kindOf(input);
    const format = options["to"]!;
    const writers = WRITERS[kind];
    const write = Object.hasOwn(writers, format) ? writers[format] : undefined;
    if (!write) {
      const known = Object.keys(writers).join(", ");
      throw new RetuneError(
        "usage",
        `${input} is ${article(kind)}, which can be written as ${known}, not "${format}"`,
      );
    }
    await write(input, output);
    process.stdout.write(`${output}\n`);
  },
};

async function kindOf(input: string): Promise<Kind> {
  if (await isFolder(input)) return "adapter";
  const kinds: Readonly<Record<string, Kind>> = {
    ".json": "dataset",
    ".safetensors": "adapter",
    ".npy": "vectors",
    ".jsonl": "vectors",
  };
  const kind = kinds[extname(input).toLowerCase()];
  if (kind) return kind;
  const known = Object.keys(kinds).join(", ");
  throw new RetuneError("E_UNKNOWN_FORMAT", `${input}: known inputs are ${known} and an adapter's folder`);
}

function article(kind: Kind): string {
  return kind === "adapter" ? "an adapter" : kind === "dataset" ? "a dataset" : "a file of vectors";
}
