import type { Command } from "../command.ts";
import { knownModels } from "../ports/models.ts";

/** `retune models`: what `--model` may name. */
export const modelsCommand: Command = {
  shape: {
    usage: "models",
    summary: "list the embedding models, cross-encoders and decoders that are here",
    positionals: { name: "nothing", atLeast: 0, atMost: 0 },
    options: {},
    details: [
      "Name, state, kind, weights and folder. Any other model is named by its folder: --model path/to/folder, with",
      "ONNX weights (run by onnxruntime-web) or safetensors (run by our own encoder; what training starts from).",
    ].join("\n"),
  },
  async run(_input, { root }) {
    const models = await knownModels(root);
    for (const { name, folder, ready, kind, weights } of models) {
      const state = ready ? "ready" : "missing: npm start fetches it";
      process.stdout.write(`${[name, state, kind, weights, folder].join("\t")}\n`);
    }
  },
};
