import type { Command } from "../command.ts";
import { knownModels } from "../ports/models.ts";

/** `retune models`: what `--model` may name. */
export const modelsCommand: Command = {
  shape: {
    usage: "models",
    summary: "list the embedding models that are here",
    positionals: { name: "nothing", atLeast: 0, atMost: 0 },
    options: {},
    details: "Any other ONNX embedding model is named by its folder: --model path/to/folder.",
  },
  async run(_input, { root }) {
    const models = await knownModels(root);
    for (const { name, folder, ready } of models) {
      process.stdout.write(`${name}\t${ready ? "ready" : "missing: npm start fetches it"}\t${folder}\n`);
    }
  },
};
