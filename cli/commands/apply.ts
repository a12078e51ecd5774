import { resolve } from "node:path";
import { readNpy, writeNpy } from "../../src/domain/formats/npy.ts";
import { applyAdapter } from "../../src/domain/models/apply-adapter.ts";
import type { Command } from "../command.ts";
import { readAdapter, requireFeatures } from "../ports/adapters.ts";
import { readBytes, writeWhole } from "../ports/files.ts";

/** `retune apply`: an adapter over query vectors, for indexes that take vectors. */
export const applyCommand: Command = {
  shape: {
    usage: "apply QUERIES.npy --adapter PATH --out FILE.npy",
    summary: "put query vectors through an adapter",
    positionals: { name: "a file of query vectors", atLeast: 1, atMost: 1 },
    options: {
      adapter: {
        required: true,
        value: "PATH",
        help: "an adapter's folder, a run's folder or a .safetensors file",
      },
      out: {
        required: true,
        value: "FILE",
        help: "the vectors after it (.npy), not normalised, as in LlamaIndex",
      },
    },
  },
  async run({ positionals, options }) {
    const input = resolve(positionals[0]!);
    const path = resolve(options["adapter"]!);
    const vectors = readNpy(await readBytes(input), input);
    const adapter = await readAdapter(path);
    requireFeatures(adapter, vectors.columns, path);
    const out = resolve(options["out"]!);
    await writeWhole(out, writeNpy(applyAdapter(adapter.config, adapter.weights, vectors)));
    process.stdout.write(`${out}\n`);
  },
};
