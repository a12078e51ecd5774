// The exported search.mjs against run.json: the same hybrid figures from the same vectors.
// Usage: check_search.mjs FOLDER RUN
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, run] = process.argv.slice(2);
const { HybridSearch } = await import(pathToFileURL(join(run, "search.mjs")).href);
const json = (file) => JSON.parse(readFileSync(file, "utf8"));

function vectors(part) {
  const bytes = readFileSync(join(folder, `validation-${part}.npy`));
  const start = 10 + bytes.readUInt16LE(8);
  const [rows, columns] = /\((\d+), (\d+)\)/
    .exec(bytes.toString("latin1", 10, start))
    .slice(1)
    .map(Number);
  const values = new Float32Array(
    bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length),
  );
  return Array.from({ length: rows }, (_, row) => values.subarray(row * columns, (row + 1) * columns));
}

const { queries, corpus, relevant_docs: relevant } = json(join(folder, "validation.json"));
const search = new HybridSearch(
  new Uint8Array(readFileSync(join(run, "adapter.safetensors"))),
  json(join(run, "fusion.json")),
  Object.values(corpus),
  vectors("corpus"),
);
const ids = Object.keys(corpus);
const asked = vectors("queries");
let sum = 0;
for (const [index, [query, text]] of Object.entries(queries).entries()) {
  const ranked = search.rank(text, asked[index]).map((hit) => ids[hit.index]);
  const rank = ranked.indexOf(relevant[query][0]) + 1;
  if (rank > 0) sum += 1 / rank;
}
const got = sum / Object.keys(queries).length;
const want = json(join(run, "run.json")).hybridTuned["mrr@10"];
console.log(`MRR@10 ${got.toFixed(6)}, run.json ${want.toFixed(6)}`);
process.exit(Math.abs(got - want) <= 1e-5 ? 0 : 1);
