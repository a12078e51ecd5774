// `npm start`: from a fresh clone to the studio in the browser, without a question. Needs Node 20 and nothing else.
import { join } from "node:path";

const [major] = process.versions.node.split(".").map(Number);
if (major < 20) {
  console.error(`Retune needs Node 20 or newer; this is ${process.version}.`);
  process.exit(1);
}
process.chdir(join(import.meta.dirname ?? new URL(".", import.meta.url).pathname, ".."));

const { installDependencies, buildAll } = await import("./build.mjs");
installDependencies();
const { fetchModel } = await import("./fetch-model.mjs");
const hasModel = await fetchModel();
await buildAll();
const { serve } = await import("./serve.mjs");
const { url } = await serve({ port: Number(process.env.PORT ?? 4173) });
if (!hasModel) {
  console.log(
    "No source had the default encoder. The sample works without it; for your own documents put the model into\n" +
      "public/models/bge-small-en-v1.5 (or name a folder in RETUNE_MODELS) and start again.",
  );
}
console.log(
  `Retune is at ${url}/ (sealed) and ${url}/connected/ (may reach endpoints you name). Ctrl+C stops it.`,
);
