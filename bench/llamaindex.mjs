// End to end against LlamaIndex's own engine on the same data: it embeds every text again in every epoch, one at a
// time; we embed each distinct text once. Both are measured on a fraction and multiplied out, which the output says.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./harness/browser.mjs";
import { peerPython, runPython } from "./harness/peers.mjs";
import { printTable, rounded } from "./harness/table.mjs";
import { DATA } from "./quality.mjs";

const EPOCHS = 4;
const STEPS = 4; // of 268 that LlamaIndex takes
const SHARE = 16; // every 16th text of ours is embedded for the measurement

export async function measurePart() {
  const model = join(root, "public", "models", "bge-small-en-v1.5");
  if (!existsSync(DATA) || !peerPython()) {
    console.log("llamaindex: left out; it needs ../shared/data and the environment of npm run test:peers");
    return;
  }
  process.stderr.write(`LlamaIndex, ${STEPS} steps …\n`);
  const train = join(DATA, "train_dataset.json");
  const [theirs] = runPython("llamaindex_engine.py", [train, model, String(EPOCHS), String(STEPS)]);
  process.stderr.write("ours …\n");
  const ours = measureOurs(train);
  const scale = theirs.totalSteps / theirs.steps;
  const rows = [
    ["LlamaIndex's engine, onnxruntime (native)", theirs.wallSeconds * scale, theirs.cpuSeconds * scale],
    ["Retune: embed once (onnxruntime-web), then train", ours.embedSeconds + ours.trainSeconds, undefined],
    ["Retune: another run on the same texts", ours.trainSeconds, undefined],
  ].map(([name, wall, cpu]) => [name, rounded(wall), rounded(cpu)]);
  printTable(
    `Linear adapter on Lyft, ${EPOCHS} epochs, compatible mode`,
    ["", "seconds", "CPU seconds"],
    rows,
  );
  console.log(
    `LlamaIndex: ${theirs.steps} of ${theirs.totalSteps} steps measured in ${rounded(theirs.wallSeconds)} s with its default threads, ` +
      `the rest by proportion.\nRetune: ${ours.embedded} of ${ours.texts} distinct texts embedded in ` +
      `${rounded(ours.measuredSeconds)} s, the rest by proportion of characters; training measured whole.`,
  );
}

function measureOurs(train) {
  const folder = mkdtempSync(join(tmpdir(), "retune-bench-"));
  try {
    const embedding = measureEmbedding(folder, train);
    return { ...embedding, trainSeconds: measureTraining(folder, train) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function measureEmbedding(folder, train) {
  const { queries, corpus } = JSON.parse(readFileSync(train, "utf8"));
  const all = [...new Set([...Object.values(queries), ...Object.values(corpus)])];
  const every = (entries) => Object.entries(entries).filter((_, index) => index % SHARE === 0);
  const [questions, passages] = [every(queries), every(corpus)];
  const part = new Set([...questions, ...passages].map(([, text]) => text));
  const [first] = passages[0];
  const relevant = Object.fromEntries(questions.map(([id]) => [id, [first]]));
  const dataset = {
    queries: Object.fromEntries(questions),
    corpus: Object.fromEntries(passages),
    relevant_docs: relevant,
  };
  const file = join(folder, "part.json");
  writeFileSync(file, JSON.stringify(dataset));
  const out = join(folder, "vectors");
  const argv = ["embed", file, "--model", "bge-small-en-v1.5", "--out", out];
  const stderr = retune(argv, { RETUNE_CACHE: join(folder, "cache") });
  const seconds = [...stderr.matchAll(/embedding .* in (?:(\d+) min )?([\d.]+) s/g)];
  const measuredSeconds = seconds.reduce(
    (sum, [, minutes, rest]) => sum + Number(minutes ?? 0) * 60 + Number(rest),
    0,
  );
  const length = (texts) => [...texts].reduce((sum, text) => sum + Math.min(text.length, 2560), 0);
  const embedSeconds = (measuredSeconds * length(all)) / length(part);
  return { embedSeconds, measuredSeconds, embedded: part.size, texts: all.length };
}

function measureTraining(folder, train) {
  const vectors = join(DATA, "vectors-bge-small-en-v1.5");
  const given = { queries: join(vectors, "train_queries.npy"), corpus: join(vectors, "train_corpus.npy") };
  const file = join(folder, "job.json");
  const job = { task: "adapter", mode: "compatible", train, epochs: EPOCHS, vectors: { train: given } };
  writeFileSync(file, JSON.stringify(job));
  retune(["run", file, "--out", join(folder, "run")], {});
  return JSON.parse(readFileSync(join(folder, "run", "run.json"), "utf8")).seconds.train;
}

/** Runs our command line and returns what it said on stderr. */
function retune(argv, variables) {
  const env = { ...process.env, ...variables };
  const result = spawnSync(process.execPath, [join(root, "cli", "retune.mjs"), ...argv], {
    encoding: "utf8",
    env,
  });
  if (result.status !== 0) throw new Error(result.stderr.trim().split("\n").at(-1));
  return result.stderr;
}
